/** Labels that keep out of each other's way. */

/**
 * Moves places apart until each pair is `gap` away, within `top` and `bottom` as far as they fit, as little as that takes.
 * The order is kept.
 */
export function spread(places: readonly number[], gap: number, top: number, bottom: number): number[] {
  const order = places.map((_, i) => i).sort((a, b) => places[a] - places[b] || a - b)
  interface Cluster {
    members: number[]
    start: number
  }
  const length = (cluster: Cluster): number => (cluster.members.length - 1) * gap
  const placed = (members: number[]): Cluster => {
    const middle = members.reduce((sum, i) => sum + places[i], 0) / members.length
    const most = Math.max(top, bottom - (members.length - 1) * gap)
    return { members, start: Math.min(most, Math.max(top, middle - ((members.length - 1) * gap) / 2)) }
  }
  const clusters: Cluster[] = []
  for (const i of order) {
    let cluster = placed([i])
    for (;;) {
      const before = clusters.at(-1)
      if (before === undefined || before.start + length(before) + gap <= cluster.start) break
      clusters.pop()
      cluster = placed([...before.members, ...cluster.members])
    }
    clusters.push(cluster)
  }
  const result = [...places]
  for (const { members, start } of clusters) members.forEach((i, k) => (result[i] = start + k * gap))
  return result
}
