/** The page of `handful studio`, over its server. */
import { mount } from './mount.js'
import { HttpStudio } from './studio/http-studio.js'

mount(new HttpStudio())
