/** What is present is listed, and what is not is refused with that list. */

import { availableParallelism } from 'node:os'
import { expect, test } from 'vitest'
import { checkDevice, listDevices, runtimeMessage } from '../../src/runtime/devices.js'
import { availableThreads } from '../../src/runtime/threads.js'

test('the CPU is always there, first, and every device listed is accepted', async () => {
  const devices = await listDevices()
  expect(devices[0]).toBe('cpu')
  expect(new Set(devices).size).toBe(devices.length)
  for (const device of devices) await checkDevice(device)
})

test('a device that is not there is refused with those that are and the reason', async () => {
  const devices = await listDevices()
  const absent = ['cuda', 'dml', 'webgpu'].filter((device) => !devices.includes(device))
  for (const device of absent) {
    await expect(checkDevice(device)).rejects.toThrow(
      `device (session): got "${device}", expected one of ${devices.join(', ')}; `,
    )
  }
})

test('threads are at least one and at most the cores', () => {
  expect(availableThreads()).toBeGreaterThanOrEqual(1)
  expect(availableThreads()).toBeLessThanOrEqual(availableParallelism())
})

test("onnxruntime's messages become one line without its source position", () => {
  const message = '/onnxruntime_src/a.cc:136 void f()::<lambda()> status == OK was false. No\n  adapter '
  expect(runtimeMessage(new Error(message))).toBe('No adapter')
})
