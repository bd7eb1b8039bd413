// What a modelled flash drive is made of, and the numbers that follow.
//
//   exported  U pages │ spare │           T = U / (1 − spare) pages in whole erase blocks, and one block in reserve
//   ──────────────────┴───────┤
//   physical                T │ + 1 erase block that is always free, for the garbage collector to copy into
//
// Invariants
// 1. The exported capacity is whole erase blocks; T is at least one erase block more, so there is always something to
//    reclaim.
// 2. The numbers are a function of the configuration: no rounding but the two named here.

import Primitives

/// A flash drive: how it is divided, how large it is, and whether it was used before.
public struct FlashConfiguration: Equatable, Sendable {
  /// What is on the drive when the run begins.
  public enum Precondition: String, Sendable, CaseIterable {
    /// Written once from the first page to the last: everything the host has not written yet is valid cold data.
    case full
    /// Erased, as from the factory: garbage is collected only when the host has written more than T pages.
    case fresh
  }

  /// What the drive offers to its host, in bytes; rounded up to whole erase blocks.
  public var capacityByteCount: UInt64
  /// (T − U) / T: the share of the physical pages that is not exported. 0.07 is a common drive: 1 GiB of flash sold as
  /// 1 GB.
  public var spareFraction: Double
  /// The unit of programming, in bytes, a power of two. A host write of a part of a page programs the whole page.
  public var pageByteCount: Int
  /// The unit of erasing, in bytes, a multiple of the page.
  public var eraseBlockByteCount: Int
  /// What is on it at first.
  public var precondition: Precondition

  /// The fewest erase blocks a drive exports.
  public static let fewestBlockCount = 16

  /// A drive; what is not said is the default of a study.
  public init(
    capacityByteCount: UInt64, spareFraction: Double = 0.07, pageByteCount: Int = 4_096,
    eraseBlockByteCount: Int = 1 << 20, precondition: Precondition = .full
  ) {
    self.capacityByteCount = capacityByteCount
    self.spareFraction = spareFraction
    self.pageByteCount = pageByteCount
    self.eraseBlockByteCount = eraseBlockByteCount
    self.precondition = precondition
  }

  /// Pages of an erase block.
  public var pagesPerBlock: Int { eraseBlockByteCount / pageByteCount }

  /// Erase blocks the drive exports; at least `fewestBlockCount`.
  public var exportedBlockCount: Int {
    let block = UInt64(eraseBlockByteCount)
    return max(Self.fewestBlockCount, Int(clamping: (capacityByteCount + block - 1) / block))
  }

  /// U: pages the drive exports.
  public var exportedPageCount: Int { exportedBlockCount * pagesPerBlock }

  /// Erase blocks of T, the one in reserve not counted: ⌈exported ÷ (1 − spare)⌉, at least one more than exported.
  public var physicalBlockCount: Int {
    let wanted = Double(exportedBlockCount) / (1 - spareFraction)
    let floor = Int(wanted)
    return max(exportedBlockCount + 1, Double(floor) < wanted ? floor + 1 : floor)
  }

  /// α = T / U, after rounding to whole erase blocks.
  public var physicalToExported: Double { Double(physicalBlockCount) / Double(exportedBlockCount) }

  /// Memory of the model with every page in use, in bytes: two tables of 4 bytes a page, sets of one bit a page.
  public var modelByteCount: Int { (physicalBlockCount + 1) * pagesPerBlock * 9 }

  /// Why there is no such drive: the key to blame and a sentence, or nil.
  public var fault: (key: String, reason: String)? {
    if !(spareFraction > 0 && spareFraction < 1) {
      return ("spare", "is \(spareFraction), a share above 0 and below 1 is wanted")
    }
    if pageByteCount < 512 || pageByteCount.nonzeroBitCount != 1 {
      return ("page", "is \(pageByteCount) bytes, a power of two of at least 512 bytes is wanted")
    }
    if eraseBlockByteCount % pageByteCount != 0 || pagesPerBlock < 4 {
      return (
        "erase_block",
        "is \(eraseBlockByteCount) bytes, at least four pages and a multiple of the page, \(pageByteCount) bytes, is wanted"
      )
    }
    // Page numbers are 31 bits, the reserve included.
    let limit = UInt64(Int32.max) / 2 * UInt64(pageByteCount)
    if capacityByteCount > limit || Double(capacityByteCount) / (1 - spareFraction) > Double(limit) {
      return ("capacity", "is \(capacityByteCount) bytes: a drive has at most 2^30 pages, its spare included")
    }
    return nil
  }
}
