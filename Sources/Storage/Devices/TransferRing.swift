// Many transfers of a file with the system at once, from one thread: a ring of the kernel's.
//
//   prepared transfers ──▶ ring, at most `depth` in flight ──▶ a result each ──short──▶ continued by plain calls
//
// Invariants
// 1. One thread at a time; a file device keeps one ring for each call that is going on.
// 2. After `perform` nothing is in flight.

import CSystem
import Primitives

/// What a file device hands to the system in one go.
struct PreparedTransfer {
  var isWrite: Bool
  var offset: UInt64
  var segments: Range<Int>
  /// Holds the bytes of a transfer whose memory the system would refuse.
  var bounce: Frame?
  /// 0, the system's error number, or -1 for a read that met the end of the file.
  var errorNumber: Int32 = 0
}

/// A ring of the kernel's, closed with its last reference.
final class TransferRing {
  private let ring: OpaquePointer
  private var transfers: ContiguousArray<betula_ring_transfer> = []

  /// A ring for `depth` transfers at once; nil where the system offers none.
  init?(depth: Int) {
    var ring: OpaquePointer?
    guard betula_ring_open(UInt32(depth), &ring) == 0, let ring else { return nil }
    self.ring = ring
  }

  deinit { betula_ring_close(ring) }

  /// Performs all transfers and sets their error numbers.
  ///
  /// - Returns: whether the ring can be used again.
  func perform(
    _ file: SystemFile, _ prepared: UnsafeMutableBufferPointer<PreparedTransfer>,
    _ segments: UnsafeMutableBufferPointer<betula_segment>
  ) -> Bool {
    transfers.removeAll(keepingCapacity: true)
    for transfer in prepared {
      transfers.append(
        betula_ring_transfer(
          segments: segments.baseAddress.map { UnsafePointer($0 + transfer.segments.lowerBound) },
          segment_count: UInt32(transfer.segments.count), is_write: transfer.isWrite ? 1 : 0,
          offset: transfer.offset, result: 0))
    }
    let count = transfers.count
    let outcome = transfers.withUnsafeMutableBufferPointer {
      betula_ring_perform(ring, file.descriptor, $0.baseAddress, count)
    }
    for index in prepared.indices {
      prepared[index].errorNumber = file.finish(
        isWrite: prepared[index].isWrite,
        UnsafeMutableBufferPointer(rebasing: segments[prepared[index].segments]), at: prepared[index].offset,
        moved: transfers[index].result)
    }
    return outcome == 0
  }
}
