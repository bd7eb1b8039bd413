// Memory with a chosen alignment and one owner.
//
// Invariants
// 1. The memory is zero when the owner is made.
// 2. One value owns it; it is given back when the value ends, and pointers vended before then dangle after.

import CSystem

/// The single owner of a range of aligned, initially zero memory.
public struct AlignedMemory: ~Copyable, @unchecked Sendable {
  // Sendable: the value is the only owner; what it moves to is the only one that may hand out pointers.

  /// The first byte.
  public let pointer: UnsafeMutableRawPointer
  /// The size in bytes.
  public let byteCount: Int
  @usableFromInline let isMapped: Bool

  /// The size of a huge page, in bytes.
  public static var hugePageByteCount: Int { 2 << 20 }

  /// Takes `byteCount` zeroed bytes.
  ///
  /// - Parameters:
  ///   - byteCount: at least 1.
  ///   - alignment: a power of two, in bytes.
  ///   - hugePages: maps the range at a 2 MiB boundary and asks for huge pages; for pools of megabytes.
  /// - Throws: `.deviceFailed` when the system has no memory left.
  public init(byteCount: Int, alignment: Int = 4_096, hugePages: Bool = false) throws(StorageError) {
    precondition(byteCount > 0, "Aligned memory is at least one byte.")
    precondition(alignment > 0 && alignment & (alignment - 1) == 0, "An alignment is a power of two.")
    self.byteCount = byteCount
    if hugePages || byteCount >= 1 << 20 {
      let boundary =
        hugePages ? max(alignment, Self.hugePageByteCount) : max(alignment, betula_page_byte_count())
      guard let base = betula_map(byteCount, boundary, hugePages ? 1 : 0) else {
        throw .deviceFailed(
          operation: "memory map", offset: 0, byteCount: byteCount, errno: 12,
          reason: "the system has no memory left")
      }
      pointer = base
      isMapped = true
    } else {
      pointer = .allocate(byteCount: byteCount, alignment: max(alignment, 16))
      pointer.initializeMemory(as: UInt8.self, repeating: 0, count: byteCount)
      isMapped = false
    }
  }

  @inlinable deinit {
    if isMapped {
      // Fails only for a range that was never mapped, which invariant 2 excludes.
      _ = betula_unmap(pointer, byteCount)
    } else {
      pointer.deallocate()
    }
  }

  /// All bytes, for reading; valid while the owner lives.
  @inlinable public var bytes: UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: pointer, count: byteCount)
  }

  /// All bytes, for writing; valid while the owner lives.
  @inlinable public var mutableBytes: UnsafeMutableRawBufferPointer {
    UnsafeMutableRawBufferPointer(start: pointer, count: byteCount)
  }

  /// Sets every byte to zero.
  @inlinable public func zero() {
    pointer.initializeMemory(as: UInt8.self, repeating: 0, count: byteCount)
  }
}
