/**
 * Points by WebGL 2: one buffer of positions, one of colours, two calls a frame (first those that stay behind). Written here
 * because libraries for this (regl, and all upon it) make functions out of strings, which the page's security policy forbids.
 */
import type { Frame, PointPainter } from './points.js'

const VERTEX = `#version 300 es
in vec2 position;
in vec4 colour;
uniform vec2 centre;
uniform vec2 factor;
uniform float size;
uniform bool standing;
out vec4 paint;
void main() {
  bool stands = colour.a > 0.99;
  paint = vec4(colour.rgb, stands ? 0.92 : colour.a);
  gl_PointSize = stands ? size : max(1.0, size * 0.8);
  gl_Position = stands == standing ? vec4((position - centre) * factor, 0.0, 1.0) : vec4(2.0, 2.0, 2.0, 1.0);
}`

const FRAGMENT = `#version 300 es
precision highp float;
in vec4 paint;
out vec4 result;
uniform float size;
void main() {
  float outside = length(gl_PointCoord - 0.5) * 2.0;
  float alpha = paint.a * (size < 3.0 ? 1.0 : 1.0 - smoothstep(1.0 - 3.0 / size, 1.0, outside));
  if (alpha < 0.01) discard;
  result = vec4(paint.rgb * alpha, alpha);
}`

/** Undefined where the browser has no WebGL 2, or has it only on the processor, where a plain canvas is seven times as fast (44 frames a second for 6 in one run). */
export function webglPoints(canvas: HTMLCanvasElement): PointPainter | undefined {
  const gl = canvas.getContext('webgl2', {
    antialias: false,
    depth: false,
    premultipliedAlpha: true,
    failIfMajorPerformanceCaveat: true,
  })
  if (gl === null || drawsOnProcessor(gl)) return undefined
  const program = link(gl)
  if (program === undefined) return undefined
  const positions = attribute(gl, program, 'position', 2, gl.FLOAT, false)
  const colours = attribute(gl, program, 'colour', 4, gl.UNSIGNED_BYTE, true)
  const place = (name: string) => gl.getUniformLocation(program, name)
  const [centre, factor, size, standing] = ['centre', 'factor', 'size', 'standing'].map(place)
  let count = 0
  gl.useProgram(program)
  gl.enable(gl.BLEND)
  gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA)

  return {
    setPositions(values) {
      count = values.length / 2
      gl.bindBuffer(gl.ARRAY_BUFFER, positions)
      gl.bufferData(gl.ARRAY_BUFFER, values, gl.STATIC_DRAW)
    },
    setColours(values) {
      gl.bindBuffer(gl.ARRAY_BUFFER, colours)
      gl.bufferData(gl.ARRAY_BUFFER, values, gl.DYNAMIC_DRAW)
    },
    draw({ camera, width, height, ratio, size: diameter }: Frame) {
      resize(canvas, width, height, ratio)
      gl.viewport(0, 0, canvas.width, canvas.height)
      gl.clearColor(0, 0, 0, 0)
      gl.clear(gl.COLOR_BUFFER_BIT)
      gl.uniform2f(centre, camera.x, camera.y)
      gl.uniform2f(factor, (2 * camera.scale) / width, (2 * camera.scale) / height)
      gl.uniform1f(size, diameter * ratio)
      for (const stands of [0, 1]) {
        gl.uniform1i(standing, stands)
        gl.drawArrays(gl.POINTS, 0, count)
      }
    },
    destroy() {
      gl.getExtension('WEBGL_lose_context')?.loseContext()
    },
  }
}

/** Not every browser owns up to it by `failIfMajorPerformanceCaveat`; the renderer's name tells. */
function drawsOnProcessor(gl: WebGL2RenderingContext): boolean {
  const names = gl.getExtension('WEBGL_debug_renderer_info')
  const renderer: unknown = names === null ? '' : gl.getParameter(names.UNMASKED_RENDERER_WEBGL)
  return /swiftshader|llvmpipe|softpipe|software|basic render/i.test(String(renderer))
}

export function resize(canvas: HTMLCanvasElement, width: number, height: number, ratio: number): void {
  const [across, down] = [Math.round(width * ratio), Math.round(height * ratio)]
  if (canvas.width !== across) canvas.width = across
  if (canvas.height !== down) canvas.height = down
}

function link(gl: WebGL2RenderingContext): WebGLProgram | undefined {
  const program = gl.createProgram()
  for (const [type, source] of [
    [gl.VERTEX_SHADER, VERTEX],
    [gl.FRAGMENT_SHADER, FRAGMENT],
  ] as const) {
    const shader = gl.createShader(type)
    if (shader === null) return undefined
    gl.shaderSource(shader, source)
    gl.compileShader(shader)
    gl.attachShader(program, shader)
  }
  gl.linkProgram(program)
  return gl.getProgramParameter(program, gl.LINK_STATUS) === true ? program : undefined
}

function attribute(
  gl: WebGL2RenderingContext,
  program: WebGLProgram,
  name: string,
  numbers: number,
  type: number,
  normalised: boolean,
): WebGLBuffer | null {
  const buffer = gl.createBuffer()
  const location = gl.getAttribLocation(program, name)
  gl.bindBuffer(gl.ARRAY_BUFFER, buffer)
  gl.enableVertexAttribArray(location)
  gl.vertexAttribPointer(location, numbers, type, normalised, 0, 0)
  return buffer
}
