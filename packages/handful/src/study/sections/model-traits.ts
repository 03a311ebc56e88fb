/** What sections ask of a generative model, by its name. */
const NOISE_LEVELS: ReadonlySet<string> = new Set(['diffusion'])
const DECODER: ReadonlySet<string> = new Set(['vae', 'vqvae'])

/** Whether its features are those of images with noise of a chosen level. */
export const hasNoiseLevels = (model: string): boolean => NOISE_LEVELS.has(model)

/** Whether its encoder and its decoder both give features. */
export const hasDecoder = (model: string): boolean => DECODER.has(model)
