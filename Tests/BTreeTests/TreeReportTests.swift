// Goal: what a B-tree says of its form is what is there, at every height, over splits, merges, collapses and a reopening, and
// costs no transfer.
// Method: keys whose separators are long, so that some thousand make many levels; `verify` walks the tree and holds the counts
// against the pages it finds.

import KeyValue
import Primitives
import Testing

@testable import BTree

@Suite("B-tree: report")
struct TreeReportTests {
  private static let page = 4_096

  private func check(_ bench: Bench) throws -> Int {
    let before = bench.statistic("page_reads")
    let report = try #require(bench.engine.treeReport())
    #expect(bench.statistic("page_reads") == before)
    let leaves = bench.statistic("leaf_used_bytes") / UInt64(Self.page)
    let interior = bench.statistic("interior_used_bytes") / UInt64(Self.page)
    if report.height < 5 { #expect(report.levels.map(\.level) == Array(0...report.height)) }
    #expect(report.levels.last?.level == report.height)
    #expect(report.levels[0].nodeCount == leaves)
    #expect(report.levels.dropFirst().reduce(0) { $0 + $1.nodeCount } == interior)
    if report.height > 0 { #expect(report.levels.last?.nodeCount == 1) }
    for (below, above) in zip(report.levels, report.levels.dropFirst()) {
      #expect(above.nodeCount >= 1 && above.nodeCount < below.nodeCount)
    }
    // Walks the tree and compares what it finds by level.
    try bench.engine.verify()
    return report.height
  }

  @Test(arguments: ["log", "path-copy"]) func theReportIsWhatIsThere(commit: String) throws {
    let changes: [String: ParameterValue] = ["page_bytes": .integer(Self.page), "commit": .text(commit)]
    var bench = try Bench(changes)
    var heights: Set<Int> = [try check(bench)]
    let count = 4_000
    // Five keys share 900 bytes that no others have, so that half of the separators are as long.
    func name(_ number: Int) -> [UInt8] {
      let place = Int(draw(3, number) >> 32) % 5
      let group = number / 5
      return (0..<900).map { UInt8(truncatingIfNeeded: draw(UInt64(group), $0 / 8) >> UInt64(8 * ($0 % 8))) }
        + key(place * 10_000 + number, byteCount: 8)
    }
    let order = (0..<count).sorted { draw(11, $0) < draw(11, $1) }
    for start in stride(from: 0, to: count, by: 200) {
      var batch = WriteBatch()
      for number in order[start..<(start + 200)] { batch.put(name(number), [1]) }
      try bench.engine.apply(batch, sync: false)
      heights.insert(try check(bench))
    }
    #expect(heights.max() ?? 0 >= 3)
    try bench.engine.close()
    bench.engine = try Bench.open(bench.memory, changes, 16 << 20, creates: false)
    let reopened = try check(bench)
    #expect(reopened == heights.max())
    for start in stride(from: 0, to: count, by: 200) {
      var batch = WriteBatch()
      for number in order[start..<(start + 200)] { batch.delete(name(number)) }
      try bench.engine.apply(batch, sync: false)
      heights.insert(try check(bench))
    }
    #expect(bench.engine.treeReport()?.height == 0 && heights.isSuperset(of: 0...3))
  }

  @Test func statesThereAndBack() throws {
    for height in 0...6 {
      var state = TreeState()
      state.root = 7
      state.leafCount = 900
      for level in stride(from: 1, through: height, by: 1) {
        state.countInterior(level: level, level == height ? 1 : 70 - 10 * level)
      }
      state.height = height
      let bytes = UnsafeMutableRawPointer.allocate(byteCount: TreeState.byteCount, alignment: 8)
      defer { bytes.deallocate() }
      state.encode(to: bytes)
      let back = try #require(TreeState(Bytes(bytes, TreeState.byteCount)))
      #expect(back == state)
      #expect(back.pageCounts?.first == 900)
      #expect(back.pageCounts?.dropFirst().reduce(0, +) == state.interiorCount)
      if height > 2 {
        // A volume whose pages were never told apart by level.
        for offset in 9..<16 { bytes.setU8(offset, 0) }
        var old = try #require(TreeState(Bytes(bytes, TreeState.byteCount)))
        #expect(old.pageCounts == nil)
        old.countInterior(level: 2)
        #expect(old.pageCounts == nil && old.interiorCount == state.interiorCount + 1)
      }
    }
  }
}
