// One level of a bulk load: the entries that wait until it is known which of them make the next page.
//
//   waiting   e0 e1 e2 e3 e4 │ next         a page ends where its bytes would not fit between its fences any more, and its upper
//   page      [lower  e0 e1 e2 e3  upper]   fence is known only with the entry behind it: hence the waiting
//
// Invariants
// 1. `best` entries are the most found so far that make a page; the rest goes into the one after it.
// 2. A page that is not the last of its level is as full as the fill allows: no further entry fits.
// 3. On interior levels the first waiting key is the page's lower fence and its child the leftmost one.

import Primitives
import Storage

/// An entry on its way into a page.
private struct StagedEntry {
  var keyStart: Int
  var keyByteCount: Int
  var valueStart = 0
  /// Bytes of the value field; those of a reference for a long value.
  var fieldByteCount = 0
  var overflow: OverflowReference?
  var child: UInt64 = 0
}

/// An entry that is added.
enum BulkEntry {
  case leaf(LeafValue)
  case interior(child: UInt64)
}

/// The waiting entries of one level.
final class PageStage {
  let level: Int
  /// Pages that were made.
  private(set) var pageCount = 0
  private let pageByteCount: Int
  /// Bytes of slots, cells and fences that a page is given at most.
  private let fillByteCount: Int
  private var memory: UnsafeMutableRawPointer
  private var capacity: Int
  private var byteCount = 0
  private var entries: ContiguousArray<StagedEntry> = []
  /// The lower fence of the page that the waiting entries begin.
  private let lower: UnsafeMutableRawPointer
  private var lowerByteCount = 0
  /// Entries that `sum` counts; those behind them have not been looked at.
  private var weighedCount = 0
  private var best = 0
  private var bestUpperByteCount = 0
  /// Bytes of the weighed entries' slots and cells under `sumPrefix`.
  private var sum = 0
  private var sumPrefix = 0

  init(level: Int, geometry: NodeGeometry, fillPercent: Int) {
    self.level = level
    pageByteCount = geometry.pageByteCount
    fillByteCount = geometry.capacityByteCount * fillPercent / 100
    capacity = 2 * geometry.pageByteCount
    memory = .allocate(byteCount: capacity, alignment: 16)
    lower = .allocate(byteCount: geometry.maximumKeyByteCount + 8, alignment: 16)
  }

  deinit {
    memory.deallocate()
    lower.deallocate()
  }

  private var isLeaf: Bool { level == 0 }
  var isEmpty: Bool { entries.isEmpty }
  /// The fewest entries of a page: an interior page has two children.
  private var leastCount: Int { isLeaf ? 1 : 2 }

  /// What a page is to be made of.
  struct Page {
    var count: Int
    /// The upper fence, nil for the last page of the level.
    var upper: Bytes?
  }

  // MARK: Adding

  /// The page that has to be made before an entry with `key` can be added, nil when there is none yet.
  func pageBefore(_ key: Bytes) -> Page? {
    while weighedCount < entries.count {
      weighNext()
      if isFull(before: weighedCount < entries.count ? self.key(weighedCount) : key) { return bestPage() }
    }
    return nil
  }

  private func key(_ index: Int) -> Bytes {
    Bytes(memory + entries[index].keyStart, entries[index].keyByteCount)
  }

  /// Whether the weighed entries, with `next` behind them, are more than a page takes.
  private func isFull(before next: Bytes) -> Bool {
    let last = key(weighedCount - 1)
    let upperByteCount =
      isLeaf ? commonPrefixByteCount(last.start, last.count, next.start, next.count) + 1 : next.count
    sumUp(under: commonPrefixByteCount(lower, lowerByteCount, next.start, upperByteCount))
    if fits(sum, fences: lowerByteCount + upperByteCount, count: weighedCount) {
      best = weighedCount
      bestUpperByteCount = upperByteCount
      return false
    }
    // The next fence may be shorter; the entries beside the shortest one tell when that cannot help any more.
    return best > 0 && !fits(sum, fences: lowerByteCount + 1, count: weighedCount)
  }

  private func weighNext() {
    sum += entryByteCount(weighedCount, under: sumPrefix)
    weighedCount += 1
  }

  private func bestPage() -> Page {
    Page(count: best, upper: Bytes(memory + entries[best].keyStart, bestUpperByteCount))
  }

  /// The next page when no entry comes any more.
  func lastPage() -> Page {
    while weighedCount < entries.count {
      weighNext()
      if weighedCount < entries.count, isFull(before: key(weighedCount)) { return bestPage() }
    }
    sumUp(under: 0)
    if best == 0 || fits(sum, fences: lowerByteCount, count: entries.count) {
      return Page(count: entries.count, upper: nil)
    }
    // An interior page of one child is avoided where the page before it can spare one.
    if !isLeaf, entries.count - best == 1, best > leastCount {
      let key = entries[best - 1]
      let prefix = commonPrefixByteCount(lower, lowerByteCount, memory + key.keyStart, key.keyByteCount)
      let used = (0..<(best - 1)).reduce(0) { $0 + entryByteCount($1, under: prefix) }
      if fits(used, fences: lowerByteCount + key.keyByteCount, count: best - 1) {
        return Page(count: best - 1, upper: Bytes(memory + key.keyStart, key.keyByteCount))
      }
    }
    return bestPage()
  }

  private func fits(_ used: Int, fences: Int, count: Int) -> Bool {
    let whole = used + fences
    return whole <= pageByteCount - NodePage.slotsStart && (whole <= fillByteCount || count <= leastCount)
  }

  /// Bytes of an entry's slot and cell under a prefix.
  private func entryByteCount(_ index: Int, under prefix: Int) -> Int {
    // The leftmost child is in the page's head.
    if !isLeaf, index == 0 { return 0 }
    let suffix = entries[index].keyByteCount - prefix
    let cell =
      isLeaf
      ? NodePage.leafCellByteCount(suffix: suffix, valueField: entries[index].fieldByteCount)
      : NodePage.interiorCellByteCount(suffix: suffix)
    return cell + NodePage.slotByteCount
  }

  private func sumUp(under prefix: Int) {
    if prefix == sumPrefix { return }
    sumPrefix = prefix
    sum = 0
    for index in 0..<weighedCount { sum += entryByteCount(index, under: prefix) }
  }

  /// Adds an entry behind all others; `pageBefore` has said that it waits with them.
  func add(_ key: Bytes, _ entry: BulkEntry) {
    var staged = StagedEntry(keyStart: store(key), keyByteCount: key.count)
    switch entry {
    case .leaf(.inline(let value)):
      staged.valueStart = store(value)
      staged.fieldByteCount = value.count
    case .leaf(.overflow(let reference)):
      staged.overflow = reference
      staged.fieldByteCount = NodePage.overflowReferenceByteCount
    case .interior(let child): staged.child = child
    }
    entries.append(staged)
  }

  private func store(_ bytes: Bytes) -> Int {
    if byteCount + bytes.count + 8 > capacity {
      capacity = max(2 * capacity, byteCount + bytes.count + 8)
      let larger = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 16)
      larger.copyMemory(from: memory, byteCount: byteCount)
      memory.deallocate()
      memory = larger
    }
    bytes.copy(to: memory + byteCount)
    byteCount += bytes.count
    return byteCount - bytes.count
  }

  // MARK: Making pages

  /// The lower fence of the page that is made next; valid until it is.
  var lowerFence: Bytes { Bytes(lower, lowerByteCount) }

  /// Builds a page and keeps what is behind it.
  func make(_ page: Page, at target: NodePage) {
    var builder = NodeBuilder(
      target, level: level, lower: lowerFence, upper: page.upper, leftmostChild: isLeaf ? 0 : entries[0].child
    )
    for index in (isLeaf ? 0 : 1)..<page.count {
      let entry = entries[index]
      let key = Bytes(memory + entry.keyStart, entry.keyByteCount)
      if isLeaf {
        let value =
          entry.overflow.map { LeafValue.overflow($0) }
          ?? .inline(Bytes(memory + entry.valueStart, entry.fieldByteCount))
        builder.append(key: key, value: value)
      } else {
        builder.append(key: key, child: entry.child)
      }
    }
    pageCount += 1
  }

  /// Forgets the entries of a page that was made, and begins the next at its upper fence.
  func advance(past page: Page) {
    if let upper = page.upper {
      upper.copy(to: lower)
      lowerByteCount = upper.count
    }
    best = 0
    weighedCount = 0
    sum = 0
    sumPrefix = 0
    if page.count == entries.count {
      entries.removeAll(keepingCapacity: true)
      byteCount = 0
      return
    }
    let start = entries[page.count].keyStart
    memory.copyMemory(from: memory + start, byteCount: byteCount - start)
    byteCount -= start
    entries.removeFirst(page.count)
    for index in entries.indices {
      entries[index].keyStart -= start
      entries[index].valueStart -= start
    }
  }
}
