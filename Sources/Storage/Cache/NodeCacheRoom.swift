// Room for nodes that are on their way from the device: taken when they are asked for, so that what is in flight is memory of the
// cache and nobody else's.
//
//   keepRoom ──▶ (in flight) ──▶ giveBackRoom, insert           or giveBackRoom alone, when nobody wants the node any more
//
// Invariant: what is kept counts as held; whoever kept it gives it back once.

import Primitives

extension NodeCache {
  /// Makes room for a node that is on its way from the device, and keeps it: until `giveBackRoom`, the bytes count as held. Clean
  /// nodes have to leave for it; nothing is written. Any thread.
  ///
  /// - Returns: false when what is held or changed leaves no room.
  public func keepRoom(for id: UInt64, byteCount: Int) -> Bool {
    do throws(StorageError) {
      try makeRoom(byteCount, inShard: shardIndex(Self.hash(id)), capacity: nil, writer: nil) { state in
        state.heldByteCount += byteCount
        state.peakByteCount = max(state.peakByteCount, state.heldByteCount)
      }
      return true
    } catch {
      // Without a writer there is no other reason.
      return false
    }
  }

  /// Gives the room back that was kept for a node: right before it is put in, or when nobody wants it any more. Any thread.
  public func giveBackRoom(for id: UInt64, byteCount: Int) {
    shards[shardIndex(Self.hash(id))].state.withLock { state in
      precondition(state.heldByteCount >= byteCount, "No more room is given back than was kept.")
      state.heldByteCount -= byteCount
    }
  }
}
