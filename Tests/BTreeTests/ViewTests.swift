// Goal: what a get, a batched get or a cursor shows of a value lies in the cached page itself: nothing is copied. A cursor's key is put
// together in the cursor, from the page's prefix, the slot's head and the cell.
// Method: the addresses that repeated reads show are the same, and lie inside the page that the cache holds; over many reads the
// bytes that were shown from elsewhere are counted: none. That views cannot be kept is shown by `EscapingViewTests`.

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
      var path = TreePath()
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

  /// Bytes shown that lie in no cached page and no cached long value.
  @Test func readsOfWhatIsInMemoryCopyNoByteOfAValue() throws {
    let bench = try Bench()
    var batch = WriteBatch()
    for number in 0..<20_000 {
      batch.put(key(number), [UInt8](repeating: 1, count: number % 500 == 7 ? 5_000 : number % 150))
    }
    try bench.engine.apply(batch, sync: true)
    var places: [ClosedRange<UInt>] = []
    var path = TreePath()
    let store = bench.engine.store
    #expect(try path.pushRoot(bench.engine.forest.main, store))
    try path.descend(toLast: false, store)
    repeat {
      let leaf = path.leaf
      let start = UInt(bitPattern: leaf.base)
      places.append(start...(start + UInt(leaf.byteCount)))
      for index in 0..<leaf.slotCount where leaf.hasOverflow(index) {
        let reference = leaf.overflowReference(index)
        let lease = try store.hold(reference, isWriter: false)
        let value = NodeStore.value(lease, reference)
        let start = UInt(bitPattern: value.start)
        places.append(start...(start + UInt(value.count)))
      }
    } while try path.step(forward: true, store)
    path.truncate(to: 0)
    places.sort { $0.lowerBound < $1.lowerBound }
    var (shown, elsewhere) = (0, 0)
    func note(_ value: RawSpan) {
      value.withUnsafeBytes { bytes in
        shown += bytes.count
        let start = UInt(bitPattern: bytes.baseAddress)
        var (low, high) = (0, places.count)
        while low < high {
          let middle = (low + high) / 2
          if places[middle].lowerBound <= start { low = middle + 1 } else { high = middle }
        }
        let isInside = low > 0 && start + UInt(bytes.count) <= places[low - 1].upperBound
        if !isInside { elsewhere += bytes.count }
      }
    }
    var reads = ReadBatch()
    for step in 0..<10_000 {
      let number = Int(draw(17, step) % 20_000)
      _ = try bench.engine.get(key(number).span.bytes) { note($0) }
      reads.append(key(number))
      if reads.count == 100 {
        try bench.engine.getBatch(reads) { note($1) }
        reads.removeAll()
      }
    }
    for order in ScanOrder.allCases {
      let cursor = try bench.engine.makeCursor(.all, order)
      _ = try cursor.showNext(upTo: .max) { note($1) }
    }
    #expect(shown > 4_000_000 && elsewhere == 0, "\(elsewhere) of \(shown) bytes")
  }
}
