// Frames: aligned memory that the cache, the engine and the memory device share by reference, so that a page
// moves between them without being copied.
//
//        cache ──┐
//                ├──▶ Frame ──▶ 4 KiB … of a slab          a frame's last holder gives the memory back
//   device table ┘                                          to the pool it came from
//
// Invariants
// 1. A frame's memory is aligned to 4,096 bytes, does not move, and lives as long as the frame.
// 2. Whoever is the only holder may write. As soon as a frame is shared (handed to a device by a write, or vended
//    by one on a read) nobody changes its bytes: `makeExclusive` gives a copy to whoever must.
// 3. A frame handed out without `zeroed` has unspecified bytes; the holder overwrites or zeroes all of them before
//    it writes them anywhere.

import CSystem
import Primitives

/// A piece of aligned memory with reference-counted holders.
public final class Frame: @unchecked Sendable {
  // Sendable: the pointer and the count never change, and the bytes of a shared frame are not written
  // (invariant 2); a frame with one holder moves between threads with its reference.

  /// The first byte; aligned to 4,096.
  public let pointer: UnsafeMutableRawPointer
  /// How many bytes the holder may use.
  public let byteCount: Int

  // Nil for a frame of its own, and for one that waits in a pool: changed by its only holder.
  @exclusivity(unchecked) var pool: FramePool?
  let sizeClass: Int

  /// A zeroed frame of its own, from no pool. For tests and single frames; hot paths take theirs from a pool.
  public init(byteCount: Int) {
    precondition(byteCount > 0, "A frame has at least one byte.")
    self.byteCount = byteCount
    pool = nil
    sizeClass = -1
    pointer = .allocate(byteCount: byteCount, alignment: FramePool.alignmentByteCount)
    pointer.initializeMemory(as: UInt8.self, repeating: 0, count: byteCount)
  }

  init(pointer: UnsafeMutableRawPointer, byteCount: Int, pool: FramePool, sizeClass: Int) {
    self.pointer = pointer
    self.byteCount = byteCount
    self.pool = pool
    self.sizeClass = sizeClass
  }

  deinit {
    betula_mark_acquire(pointer)
    if let pool {
      pool.takeBack(pointer, sizeClass: sizeClass)
    } else if sizeClass < 0 {
      pointer.deallocate()
    }
    // Otherwise it waited in its pool, which gives back the slabs.
  }

  /// Tells the thread sanitizer that the calling thread is done with the frame's bytes, before it lets go of a frame that
  /// it read without a lease or a lock. Nothing in other builds.
  @inlinable @inline(__always) public func markRead() { betula_mark_release(pointer) }

  /// The frame's bytes, for reading.
  @inlinable public var bytes: UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: pointer, count: byteCount)
  }

  /// The frame's bytes, for its only holder to write.
  @inlinable public var mutableBytes: UnsafeMutableRawBufferPointer {
    UnsafeMutableRawBufferPointer(start: pointer, count: byteCount)
  }

  /// Makes `frame` the caller's alone: kept when the caller is its only holder, replaced by a copy when it is
  /// shared. After the call its bytes may be written.
  ///
  /// - Returns: whether a copy was made.
  @inlinable @discardableResult
  public static func makeExclusive(_ frame: inout Frame, pool: FramePool) -> Bool {
    if isKnownUniquelyReferenced(&frame) { return false }
    let copy = pool.frame(byteCount: frame.byteCount)
    copy.pointer.copyMemory(from: frame.pointer, byteCount: frame.byteCount)
    frame = copy
    return true
  }
}
