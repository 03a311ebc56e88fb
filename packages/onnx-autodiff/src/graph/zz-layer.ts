import { a } from '../newfolder/types.js'; export const b = a
