/** Why an image is skipped, in words that follow its path. */
export class UnusableImage extends Error {}
