// Goal: dirty nodes are written in order of their places, however many there are and wherever they go.
// Method: against the standard library's sort on seeded lists around the length at which digits are used, with places near each
// other, far apart, and equal.

import Testing

@testable import Storage

@Suite struct WritePlaceTests {
  @Test(arguments: [UInt64(21), 22, 23])
  func placesAscend(seed: UInt64) {
    var random = TestRandom(seed: seed)
    for count in [0, 1, 2, 255, 256, 257, 1_000, 5_000] {
      for range in [1, 3, 300, 100_000, 1 << 38] {
        var places: ContiguousArray<WritePlace> = []
        for slot in 0..<count {
          places.append(WritePlace(offset: UInt64(random.below(range)) * 4_096, slot: UInt32(slot)))
        }
        let expected = places.sorted { ($0.offset, $1.slot) < ($1.offset, $0.slot) }
        // Among equals the caller's order counts: here the later slot first.
        WritePlace.sort(&places) { $0 > $1 }
        #expect(places.map(\.offset) == expected.map(\.offset), "seed \(seed), \(count) of \(range)")
        #expect(places.map(\.slot) == expected.map(\.slot), "seed \(seed), \(count) of \(range)")
      }
    }
  }
}
