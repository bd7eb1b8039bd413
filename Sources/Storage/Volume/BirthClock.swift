// Numbers for writes, so that a pointer can say which write put its block there (`BlockWrite.birth`).
//
//   batch of writes   17   18   19 …        what is made between two of them has the number of the next
//
// Invariants
// 1. A birth is never 0, which stands for none.
// 2. Births come round after 65,535 batches.
//
// Source: O. Rodeh, J. Bacik, C. Mason, "BTRFS: The Linux B-Tree Filesystem", ACM TOS 9(3), 2013, section 3 (a generation in each
// block and in the pointer to it, against lost and misdirected writes).

/// Numbers batches of writes, round and round.
@frozen public struct BirthClock: Sendable {
  @usableFromInline static let period: UInt16 = 65_535
  /// The number of the next batch. An engine keeps it in its root.
  public private(set) var number: UInt16

  /// A clock that goes on at a number.
  public init(number: UInt16) { self.number = number % Self.period }

  /// A clock of an opened volume. It does not go on where the root says: what was written after that root and lost in a crash
  /// had those numbers.
  ///
  /// - Parameter epoch: of the superblock that the root came from.
  public init(reopenedAt number: UInt16, epoch: UInt64) {
    self.init(number: UInt16(truncatingIfNeeded: ContentHash.mix(epoch << 16 ^ UInt64(number))))
  }

  /// The birth of what is made now.
  @inlinable public var birth: UInt16 { number &+ 1 }

  /// A batch was written, or may have been.
  public mutating func advance() { number = number == Self.period - 1 ? 0 : number + 1 }
}
