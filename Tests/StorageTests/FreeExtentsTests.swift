// Goal: the free extents of a large volume, over many blocks of units and groups of blocks, as a plain sorted list keeps them.
// Method: seeded operations on a million units, of sizes from one unit to thousands, with and without hints, held against the
// list after each; the tail is taken, split and given back on the way.

import Primitives
import Testing

@testable import Storage

@Suite struct FreeExtentsTests {
  @Test(arguments: [1, 2, 3] as [UInt64])
  func aLargeVolumeAgainstAList(seed: UInt64) {
    let random = CounterRandom(seed: seed, stream: 7)
    let unitCount = 1_100_000
    var free = FreeExtents()
    free.insert(2..<unitCount)
    var list = [2..<unitCount]
    var live: [Range<Int>] = []
    func firstFit(_ count: Int, from hint: Int) -> Int? {
      list.first { $0.lowerBound >= hint && $0.count >= count }?.lowerBound
    }
    for step in 0..<UInt64(3_000) {
      let draw = random.draw(step) % 100
      if draw < (step % 1_000 < 600 ? 70 : 30) || live.isEmpty {
        let size = [1, 8, 300, 5_000, 70_000][Int(random.draw(step, 1) % 5)]
        let count = 1 + Int(random.uniform(below: UInt64(size), step, 2))
        let hint =
          random.draw(step, 3) % 4 == 0 ? Int(random.uniform(below: UInt64(unitCount), step, 4)) : nil
        var expected = firstFit(count, from: hint ?? 0)
        if hint != nil {
          let end = list.first { $0.lowerBound == expected }?.upperBound
          if expected == nil || end == unitCount { expected = firstFit(count, from: 0) }
        }
        let start = free.allocate(count, near: hint, end: unitCount)
        #expect(start == expected, "seed \(seed), step \(step)")
        guard let start, let index = list.firstIndex(where: { $0.contains(start) }) else { continue }
        let whole = list[index]
        let rest = [whole.lowerBound..<start, (start + count)..<whole.upperBound].filter { !$0.isEmpty }
        list.replaceSubrange(index...index, with: rest)
        live.append(start..<(start + count))
      } else {
        let range = live.remove(at: Int(random.uniform(below: UInt64(live.count), step, 5)))
        free.insert(range)
        let index = list.firstIndex { $0.lowerBound > range.lowerBound } ?? list.count
        var joined = range
        var replaced = index..<index
        if index > 0, list[index - 1].upperBound == range.lowerBound {
          joined = list[index - 1].lowerBound..<joined.upperBound
          replaced = (index - 1)..<replaced.upperBound
        }
        if index < list.count, list[index].lowerBound == range.upperBound {
          joined = joined.lowerBound..<list[index].upperBound
          replaced = replaced.lowerBound..<(index + 1)
        }
        list.replaceSubrange(replaced, with: [joined])
      }
      #expect(free.unitCount == list.reduce(0) { $0 + $1.count } && free.extentCount == list.count)
      if step % 50 == 0 {
        #expect(free.extents == list, "seed \(seed), step \(step)")
        #expect(free.largestUnitCount == list.map(\.count).max() ?? 0)
      }
    }
  }
}
