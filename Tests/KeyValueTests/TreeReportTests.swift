// Goal: percentiles of batch sizes are right to within a thirty-second, and exact for small ones.
// Method: sizes drawn and sorted, the percentile looked up both ways; what a phase added as a difference.

import KeyValue
import Testing

@Suite struct TreeReportTests {
  @Test func percentilesOfBatchSizes() throws {
    var sizes = FlushSizes()
    #expect(sizes.percentile(50) == nil)
    var all: [UInt64] = []
    for index in 0..<5_000 as Range<UInt64> {
      let size = (index &* 0x9E37_79B9_7F4A_7C15) >> (40 + index % 24)
      all.append(size)
      sizes.add(size)
    }
    all.sort()
    for percent in [1, 25, 50, 95, 100] {
      let exact = all[max(0, (all.count * percent + 99) / 100 - 1)]
      let found = try #require(sizes.percentile(percent))
      #expect(found <= exact && exact - found <= exact / 32, "\(percent): \(found), \(exact)")
    }
    let earlier = sizes
    for _ in 0..<9 { sizes.add(31) }
    sizes.add(UInt64.max)
    let added = sizes.subtracting(earlier)
    #expect(added.total == 10 && added.percentile(50) == 31 && added.percentile(90) == 31)
    #expect(try #require(added.percentile(100)) > 1 << 62)
  }
}
