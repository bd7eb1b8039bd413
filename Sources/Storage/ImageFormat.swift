// What an image is, from its own first bytes: a volume, a file space, or nothing that was written here.
//
//   volume       "BETULAVO" at the start of unit 0 (or 1, when unit 0 is damaged); transfer unit at byte 24 of it
//   file space   "BetulaFS" at byte 12 of directory slot 0 (or 1); transfer unit at byte 24 of the same slot
//   blank        zeros where both would begin: nothing was ever written (the null engine)
//
// The magic says what the image claims to be, and the transfer unit how to read it. Whether the claim is true is for
// the checksums: a damaged image of a known kind is examined and reported, not refused as unknown.
//
// Invariant: at most 24 small reads, whatever the size of the image, and none outside it.

import Primitives

/// A kind of image and how to read it.
public enum ImageFormat: Equatable, Sendable {
  /// A volume with transfer units of this size.
  case volume(transferUnitByteCount: Int)
  /// A file space with transfer units of this size.
  case fileSpace(transferUnitByteCount: Int)
  /// Zeros.
  case blank
  /// Nothing that is known here.
  case unknown

  static let transferUnits = (9...20).map { 1 << $0 }

  /// What the image claims to be.
  ///
  /// - Parameters:
  ///   - byteCount: the image's size.
  ///   - read: gives bytes of the image; never asked for any outside it.
  public static func detect(
    byteCount: UInt64, read: (_ offset: UInt64, _ byteCount: Int) throws(StorageError) -> [UInt8]
  ) throws(StorageError) -> ImageFormat {
    func word(_ offset: UInt64) throws(StorageError) -> UInt64 {
      guard offset <= byteCount, byteCount - offset >= 8 else { return 0 }
      return try read(offset, 8).reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
    func unit(_ offset: UInt64) throws(StorageError) -> Int? {
      let number = Int(try word(offset) & 0xFFFF_FFFF)
      return transferUnits.contains(number) ? number : nil
    }
    var damaged: ImageFormat?
    if try word(0) == Superblock.magic {
      if let found = try unit(24) { return .volume(transferUnitByteCount: found) }
      damaged = .volume(transferUnitByteCount: 4_096)
    }
    if try word(12) == FileDirectory.magic {
      if let found = try unit(24) { return .fileSpace(transferUnitByteCount: found) }
      damaged = .fileSpace(transferUnitByteCount: 4_096)
    }
    for candidate in transferUnits {
      let start = UInt64(candidate)
      if try word(start) == Superblock.magic, try unit(start + 24) == candidate {
        return .volume(transferUnitByteCount: candidate)
      }
      let slot = UInt64(max(FileSpace.smallestSlotByteCount, 16 * candidate))
      if try word(slot + 12) == FileDirectory.magic, let found = try unit(slot + 24),
        UInt64(max(FileSpace.smallestSlotByteCount, 16 * found)) == slot
      {
        return .fileSpace(transferUnitByteCount: found)
      }
    }
    if let damaged { return damaged }
    let head = Int(min(byteCount, 4_096))
    if head == 0 { return .unknown }
    let bytes = try read(0, head)
    return bytes.allSatisfy { $0 == 0 } ? .blank : .unknown
  }
}
