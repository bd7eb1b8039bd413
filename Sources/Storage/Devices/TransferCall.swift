// One call of a file device: its lists, and how its transfers reach the system.
//
//   batch ──prepare──▶ transfers, segments ──▶ the caller, a ring, or threads ──▶ an error number each ──complete──▶ batch
//                                     begin ──▶ a ring, or threads, while the caller goes on ──finish──┘
//
// Invariants
// 1. What the kernel or the threads write to (segments, results, error numbers) is memory that stays where it is, and nobody
//    looks at it between `begin` and `finish`.
// 2. A call that was begun is finished before it is used again or let go.

import CSystem
import Primitives

/// What a file device hands to the system in one go.
struct PreparedTransfer {
  var isWrite: Bool
  var offset: UInt64
  var segments: Range<Int>
  /// Holds the bytes of a transfer whose memory the system would refuse.
  var bounce: Frame?
}

/// A growing list of plain values in memory that moves only when it grows.
struct CallMemory<Element: BitwiseCopyable>: ~Copyable {
  private(set) var start: UnsafeMutablePointer<Element>
  private(set) var count = 0
  private var capacity = 16

  init() { start = .allocate(capacity: 16) }

  deinit { start.deallocate() }

  subscript(index: Int) -> Element {
    get { start[index] }
    nonmutating set { start[index] = newValue }
  }

  mutating func append(_ element: Element) {
    if count == capacity {
      let larger = UnsafeMutablePointer<Element>.allocate(capacity: 2 * capacity)
      larger.update(from: start, count: count)
      start.deallocate()
      start = larger
      capacity *= 2
    }
    (start + count).initialize(to: element)
    count += 1
  }

  mutating func removeAll() { count = 0 }

  mutating func removeLast(_ removed: Int) { count -= removed }
}

/// The lists of one call, kept by the device to be used again.
final class TransferCall: ParallelWork, BatchInFlight, @unchecked Sendable {
  // Sendable: threads work on different transfers of it, and only between the beginning and the end of a job; everything else is
  // done by the one thread whose call it is.

  private let file: SystemFile
  /// What goes to the system.
  var prepared: ContiguousArray<PreparedTransfer> = []
  /// Where its bytes are.
  var segments = CallMemory<betula_segment>()
  private var errorNumbers = CallMemory<Int32>()
  /// Made when a call first has transfers for it.
  private var ring: TransferRing?
  private var job: ParallelJob?

  init(_ file: SystemFile) { self.file = file }

  /// Forgets the transfers, keeps the memory.
  func removeAll() {
    prepared.removeAll(keepingCapacity: true)
    segments.removeAll()
  }

  /// 0, the system's error number, or -1 for a read that met the end of the file. After the call was performed or finished.
  func errorNumber(_ index: Int) -> Int32 { errorNumbers[index] }

  private func clearErrors() {
    errorNumbers.removeAll()
    for _ in prepared.indices { errorNumbers.append(0) }
  }

  /// Moves one transfer's bytes by a plain call.
  func perform(_ index: Int) {
    errorNumbers[index] = file.transfer(
      isWrite: prepared[index].isWrite, memory(of: index), at: prepared[index].offset)
  }

  private func memory(of index: Int) -> UnsafeMutableBufferPointer<betula_segment> {
    UnsafeMutableBufferPointer(
      start: segments.start + prepared[index].segments.lowerBound, count: prepared[index].segments.count)
  }

  // MARK: With the caller waiting

  /// Performs all transfers: several of them through a ring of so many places, or by threads, else one after the other.
  func perform(ringDepth: Int?, _ workers: WorkerPool?) {
    clearErrors()
    if prepared.count > 1 {
      if let ringDepth, let ring = ring(ringDepth) {
        collect(from: ring, isUsable: ring.perform(file, prepared, segments))
        return
      }
      if let workers, let job = workers.start(self, count: prepared.count) { return workers.finish(job) }
    }
    for index in prepared.indices { perform(index) }
  }

  private func ring(_ depth: Int) -> TransferRing? {
    if ring == nil { ring = TransferRing(depth: depth) }
    return ring
  }

  private func collect(from ring: TransferRing, isUsable: Bool) {
    for index in prepared.indices {
      errorNumbers[index] = file.finish(
        isWrite: prepared[index].isWrite, memory(of: index), at: prepared[index].offset,
        moved: ring.result(index))
    }
    if !isUsable { self.ring = nil }
  }

  // MARK: With the caller going on

  /// Hands the transfers over and does not wait.
  ///
  /// - Returns: false when there is neither a ring nor an idle thread; then nothing was begun.
  func begin(ringDepth: Int?, _ workers: WorkerPool?) -> Bool {
    clearErrors()
    if let ringDepth {
      guard let ring = ring(ringDepth) else { return false }
      ring.begin(file, prepared, segments)
      return true
    }
    job = workers?.start(self, count: prepared.count)
    return job != nil
  }

  /// Waits for what was begun.
  func finish(_ workers: WorkerPool?) {
    if let job {
      guard let workers else { preconditionFailure("Threads end what they began.") }
      self.job = nil
      workers.finish(job)
    } else if let ring {
      let isUsable = ring.finish()
      collect(from: ring, isUsable: isUsable)
    }
  }
}
