/** Files that are images by their name; frames of one file have its name and a number. */
export const IMAGE_NAME = /\.(png|jpe?g|webp|gif|tiff?|avif|hei[cf]|bmp|p[bgpn]m)(#\d+)?$/i
