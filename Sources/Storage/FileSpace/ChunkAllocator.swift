// Which chunks of the device belong to no file, and which of those are known to read as zero.
//
//   chunk   0   1   2   3   4   5   6 …
//           db  db  ──free──  wal ──free, clean──
//
// Invariants
// 1. Free runs are sorted, do not overlap, and neighbours of the same cleanness are joined.
// 2. A clean run was never written since it was discarded; any other run is discarded when it is handed out.

/// The free chunks of a file space, as runs.
struct ChunkAllocator {
  struct Run: Equatable {
    var start: UInt32
    var count: UInt32
    var isClean: Bool
    var end: UInt32 { start + count }
  }

  private(set) var free: ContiguousArray<Run>

  /// Everything from 0 to `chunkCount` is free.
  init(chunkCount: UInt32, isClean: Bool) {
    free = chunkCount == 0 ? [] : [Run(start: 0, count: chunkCount, isClean: isClean)]
  }

  var freeChunkCount: UInt64 { free.reduce(0) { $0 + UInt64($1.count) } }

  var largestFreeRunChunkCount: UInt32 { free.reduce(0) { max($0, $1.count) } }

  /// Takes up to `wanted` chunks: those at `continuation` when they are free, else the first run that is long
  /// enough, else the longest.
  mutating func take(_ wanted: UInt32, continuation: UInt32?) -> Run? {
    var chosen: Int?
    for (index, run) in free.enumerated() {
      if run.start == continuation {
        chosen = index
        break
      }
      if let best = chosen {
        if free[best].count < wanted && run.count > free[best].count { chosen = index }
      } else {
        chosen = index
      }
    }
    guard let chosen else { return nil }
    let run = free[chosen]
    let taken = Run(start: run.start, count: min(run.count, wanted), isClean: run.isClean)
    if taken.count == run.count {
      free.remove(at: chosen)
    } else {
      free[chosen].start += taken.count
      free[chosen].count -= taken.count
    }
    return taken
  }

  /// Removes a run that a directory names.
  ///
  /// - Returns: false when part of it is not free: two files claim the same chunk, or it lies off the device.
  mutating func claim(start: UInt32, count: UInt32) -> Bool {
    guard let index = free.firstIndex(where: { $0.start <= start && start < $0.end }) else { return false }
    let run = free[index]
    guard count > 0, UInt64(start) + UInt64(count) <= UInt64(run.end) else { return false }
    var rest: [Run] = []
    if start > run.start {
      rest.append(Run(start: run.start, count: start - run.start, isClean: run.isClean))
    }
    let end = start + count
    if end < run.end { rest.append(Run(start: end, count: run.end - end, isClean: run.isClean)) }
    free.replaceSubrange(index...index, with: rest)
    return true
  }

  /// Gives chunks back, which were discarded just before.
  mutating func putBack(start: UInt32, count: UInt32) {
    let index = free.firstIndex { $0.start > start } ?? free.count
    free.insert(Run(start: start, count: count, isClean: true), at: index)
    joinAt(index + 1)
    joinAt(index)
  }

  /// Joins the run at `index` with the one before it.
  private mutating func joinAt(_ index: Int) {
    guard index > 0, index < free.count else { return }
    let (before, after) = (free[index - 1], free[index])
    precondition(before.end <= after.start, "A chunk is given back once.")
    guard before.end == after.start, before.isClean == after.isClean else { return }
    free[index - 1].count += after.count
    free.remove(at: index)
  }
}
