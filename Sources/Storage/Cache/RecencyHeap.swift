// Which node was used longest ago, without touching anything when a node is used.
//
//   heap of (known use, slot, version), smallest known use on top
//
//   A hit only stores the slot's last use. The known use in the heap is therefore a lower bound of the real one. When
//   the top's known use is out of date it is brought up to date and sinks; when it is exact, it is the true minimum.
//
// Invariants
// 1. Known use ≤ last use, for every entry whose version is current.
// 2. A node eligible for this heap has at least one entry of its current version; entries of older versions, and second
//    entries, are dropped when they surface or when they are as many as the valid ones.
//
// Cost: each use is paid for at most once, O(log n), by an eviction; exact least-recently-used order.

/// A binary heap with lower-bound keys.
struct RecencyHeap {
  struct Entry {
    var knownUse: UInt64
    var slot: UInt32
    var version: UInt32
  }

  private(set) var entries: ContiguousArray<Entry> = []

  var top: Entry? { entries.first }

  mutating func push(_ entry: Entry) {
    var position = entries.count
    entries.append(entry)
    while position > 0 {
      let parent = (position - 1) / 2
      if entries[parent].knownUse <= entry.knownUse { break }
      entries[position] = entries[parent]
      position = parent
    }
    entries[position] = entry
  }

  mutating func removeTop() {
    guard let last = entries.popLast(), !entries.isEmpty else { return }
    sink(last)
  }

  /// Gives the top its up-to-date use.
  mutating func updateTop(knownUse: UInt64) {
    guard var entry = entries.first else { return }
    entry.knownUse = knownUse
    sink(entry)
  }

  /// Replaces everything by these entries.
  mutating func rebuild(_ newEntries: ContiguousArray<Entry>) {
    entries.removeAll(keepingCapacity: true)
    for entry in newEntries { push(entry) }
  }

  /// Puts `entry` in the free place at the top and lets it sink.
  private mutating func sink(_ entry: Entry) {
    var position = 0
    let count = entries.count
    while true {
      var child = 2 * position + 1
      if child >= count { break }
      if child + 1 < count && entries[child + 1].knownUse < entries[child].knownUse { child += 1 }
      if entries[child].knownUse >= entry.knownUse { break }
      entries[position] = entries[child]
      position = child
    }
    entries[position] = entry
  }
}
