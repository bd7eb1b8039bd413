// Goal: what a get, a batched get or a cursor shows lies in the cached page itself: nothing is copied.
// Method: the addresses that repeated reads show are the same, and lie inside the page that the cache holds.

import KeyValue
import Primitives
import Testing

@testable import BTree
@testable import Storage

@Suite struct ViewTests {
  @Test func readsShowTheCachedPage() throws {
    let bench = try Bench()
    var batch = WriteBatch()
    for number in 0..<2_000 {
      batch.put(key(number), [UInt8](repeating: 1, count: number % 500 == 7 ? 5_000 : 80))
    }
    try bench.engine.apply(batch, sync: true)
    for number in [3, 7, 900, 1_507] {
      func address(_ value: RawSpan) -> UInt { value.withUnsafeBytes { UInt(bitPattern: $0.baseAddress) } }
      var shown: [UInt] = []
      for _ in 0..<3 { _ = try bench.engine.get(key(number).span.bytes) { shown.append(address($0)) } }
      var reads = ReadBatch()
      reads.append(key(number))
      try bench.engine.getBatch(reads) { shown.append(address($1)) }
      let cursor = try bench.engine.makeCursor(KeyRange(lowerBound: key(number)), .forward)
      #expect(try cursor.next())
      cursor.withCurrent { shown.append(address($1)) }
      #expect(shown.count == 5 && Set(shown).count == 1, "key \(number): \(shown)")
      // Inside the held page, or the held long value.
      let store = bench.engine.store
      var path = TreePath(isWriter: false)
      try key(number).withUnsafeBytes { bytes in
        #expect(try path.seek(Bytes(bytes), bench.engine.forest.main, store))
        let leaf = path.leaf
        let (index, isFound) = leaf.find(Bytes(bytes))
        #expect(isFound)
        if leaf.hasOverflow(index) {
          let reference = leaf.overflowReference(index)
          let lease = try store.hold(reference, isWriter: false)
          #expect(shown[0] == UInt(bitPattern: NodeStore.value(lease, reference).start))
        } else {
          #expect(shown[0] == UInt(bitPattern: leaf.valueField(index).start))
        }
      }
      path.truncate(to: 0)
    }
  }
}
