// Many transfers of a file with the system at once, from one thread: a ring of the kernel's.
//
//   prepared transfers ──begin──▶ ring, at most `depth` in flight ──finish──▶ a result each ──short──▶ continued by plain calls
//
// Invariants
// 1. One thread at a time; a file device keeps one ring for each call that is going on.
// 2. Between `begin` and `finish` the kernel may write to the memory of the transfers; after `finish` nothing is in flight.

import CSystem
import Primitives

/// A ring of the kernel's, closed with its last reference.
final class TransferRing {
  private let ring: OpaquePointer
  /// Memory of our own: the kernel's results go there while nobody looks.
  private var transfers = CallMemory<betula_ring_transfer>()

  /// A ring for `depth` transfers at once; nil where the system offers none.
  init?(depth: Int) {
    var ring: OpaquePointer?
    guard betula_ring_open(UInt32(depth), &ring) == 0, let ring else { return nil }
    self.ring = ring
  }

  deinit { betula_ring_close(ring) }

  /// Hands transfers to the kernel and does not wait.
  func begin(
    _ file: SystemFile, _ prepared: borrowing ContiguousArray<PreparedTransfer>,
    _ segments: borrowing CallMemory<betula_segment>
  ) {
    take(prepared, segments)
    betula_ring_begin(ring, file.descriptor, transfers.start, transfers.count)
  }

  /// Waits for the transfers that were begun.
  ///
  /// - Returns: whether the ring can be used again.
  func finish() -> Bool { betula_ring_finish(ring) == 0 }

  /// Performs all transfers.
  ///
  /// - Returns: whether the ring can be used again.
  func perform(
    _ file: SystemFile, _ prepared: borrowing ContiguousArray<PreparedTransfer>,
    _ segments: borrowing CallMemory<betula_segment>
  ) -> Bool {
    take(prepared, segments)
    return betula_ring_perform(ring, file.descriptor, transfers.start, transfers.count) == 0
  }

  /// Bytes moved by a transfer, or the negated number of its error.
  func result(_ index: Int) -> Int64 { transfers[index].result }

  private func take(
    _ prepared: borrowing ContiguousArray<PreparedTransfer>, _ segments: borrowing CallMemory<betula_segment>
  ) {
    transfers.removeAll()
    for index in prepared.indices {
      transfers.append(
        betula_ring_transfer(
          segments: UnsafePointer(segments.start + prepared[index].segments.lowerBound),
          segment_count: UInt32(prepared[index].segments.count), is_write: prepared[index].isWrite ? 1 : 0,
          offset: prepared[index].offset, result: 0))
    }
  }
}
