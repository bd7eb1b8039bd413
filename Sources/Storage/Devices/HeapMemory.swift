// Memory from the allocator, there before it is needed: what engines keep beside frames (buffers that grow, guests' caches).
//
//   before   grow ─▶ map ─▶ page faults ─▶ free ─▶ unmap ─▶ grow ─▶ map ─▶ page faults …
//   after    grow, free, grow …                                        the heap keeps what it has

import CSystem

/// The allocator's heap.
public enum HeapMemory {
  /// Lets the allocator keep what is freed, and gives it so many bytes, in whole 16 MiB, that are there already. For the rest of
  /// the process; where the allocator cannot be asked, nothing changes.
  ///
  /// Cost: writes a byte to each page of them.
  public static func prepare(byteCount: Int) { _ = betula_prepare_heap(max(0, byteCount)) }
}
