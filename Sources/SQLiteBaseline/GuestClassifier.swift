// Which cause a byte of SQLite's files has, from its place and from the page's own header byte.
//
//   database   page 1: 100-byte header, then a tree page   │ page n: byte 0 says the kind
//              2, 5 interior · 10, 13 leaf · anything else: overflow, or the trunk of the free list
//   WAL        32 header │ 24 frame header, page │ 24 frame header, page …
//   journal    header sector │ 4 page number, page, 4 checksum …
//
// Deviations
// - An overflow page has no kind of its own: it begins with the next page's number, so a page that is no tree page
//   is a free-list trunk when its entry count and its first entries could be one, and overflow otherwise.
// Source: SQLite file format, sections 1.5 (freelist), 1.6 (B-tree pages), 3 (rollback journal), 4 (WAL).

import Accounting
import Storage

/// What SQLite uses a file for.
enum GuestRole: Int32 {
  case database = 0
  case writeAheadLog = 1
  case journal = 2
  case other = 3
}

/// The kind of a page.
enum PageKind {
  case leaf, interior, overflow, freeList
}

/// Names the bytes of SQLite's files.
struct GuestClassifier {
  static let walHeaderByteCount: UInt64 = 32
  static let frameHeaderByteCount = 24
  /// What SQLite's own unix VFS answers for every file here.
  static let sectorByteCount = 4_096

  /// SQLite's page size in bytes.
  var pageByteCount: Int
  /// Pages of the database as last seen in its header; bounds plausible page numbers.
  var databasePageCount: UInt32 = .max
  /// Whether a write-ahead log is open: then writes to the database are checkpoints.
  var hasWriteAheadLog = false
  /// Set while verifying: everything then has this cause.
  var override: Cause?

  init(pageByteCount: Int) { self.pageByteCount = pageByteCount }

  /// The kind of a page from its bytes.
  func kind(of page: UnsafeRawBufferPointer) -> PageKind {
    guard page.count >= 108 else { return .overflow }
    let header = isFirstPage(page) ? 100 : 0
    switch page[header] {
    case 10, 13: return .leaf
    case 2, 5: return .interior
    default: return isFreeListTrunk(page) ? .freeList : .overflow
    }
  }

  /// Page 1 begins with "SQLite format 3".
  private func isFirstPage(_ page: UnsafeRawBufferPointer) -> Bool {
    UInt64(littleEndian: page.loadUnaligned(as: UInt64.self)) == 0x6620_6574_694C_5153
      && UInt64(littleEndian: page.loadUnaligned(fromByteOffset: 8, as: UInt64.self)) == 0x0033_2074_616D_726F
  }

  private func isFreeListTrunk(_ page: UnsafeRawBufferPointer) -> Bool {
    func word(_ index: Int) -> UInt32 {
      UInt32(bigEndian: page.loadUnaligned(fromByteOffset: 4 * index, as: UInt32.self))
    }
    let count = word(1)
    guard word(0) <= databasePageCount, count <= UInt32(page.count / 4 - 2) else { return false }
    for entry in 0..<min(Int(count), 4) {
      let number = word(2 + entry)
      if number < 2 || number > databasePageCount { return false }
    }
    return count > 0
  }

  /// The owner of bytes at `offset` of the database.
  func database(_ offset: UInt64, _ bytes: UnsafeRawBufferPointer, isWrite: Bool) -> Attribution {
    if let override { return Attribution(override) }
    guard bytes.count == pageByteCount || bytes.count >= 512 else { return Attribution(.databaseHeader) }
    let copies = isWrite && hasWriteAheadLog
    switch kind(of: bytes) {
    case .leaf: return Attribution(copies ? .checkpointLeaf : .leaf, .number(0))
    case .interior: return Attribution(copies ? .checkpointInterior : .interior, .number(1))
    case .overflow: return Attribution(copies ? .checkpointOverflow : .overflow)
    case .freeList: return Attribution(copies ? .checkpointOther : .freeList)
    }
  }

  /// The owner of bytes at `offset` of the write-ahead log.
  func writeAheadLog(_ offset: UInt64, _ bytes: UnsafeRawBufferPointer) -> Attribution {
    if let override { return Attribution(override) }
    if offset < Self.walHeaderByteCount { return Attribution(.walHeader) }
    if bytes.count <= Self.frameHeaderByteCount { return Attribution(.walFrameHeader) }
    // Recovery reads a frame with its header, everything else the page alone.
    let within = (offset - Self.walHeaderByteCount) % UInt64(pageByteCount + Self.frameHeaderByteCount)
    let page = within == 0 ? UnsafeRawBufferPointer(rebasing: bytes[Self.frameHeaderByteCount...]) : bytes
    switch kind(of: page) {
    case .leaf: return Attribution(.walLeaf, .number(0))
    case .interior: return Attribution(.walInterior, .number(1))
    case .overflow: return Attribution(.walOverflow)
    case .freeList: return Attribution(.walOther)
    }
  }

  /// The owner of bytes of the rollback journal.
  func journal(_ offset: UInt64, _ bytes: UnsafeRawBufferPointer) -> Attribution {
    if let override { return Attribution(override) }
    // A header begins at a sector and is at least 12 bytes; a record's page never begins at a multiple of 512.
    let isHeader = offset < UInt64(Self.sectorByteCount) || (offset % 512 == 0 && bytes.count > 4)
    return Attribution(isHeader ? .journalHeader : .journalPage)
  }

  /// The owner of bytes of a file in `role`.
  func attribution(
    _ role: GuestRole, _ offset: UInt64, _ bytes: UnsafeRawBufferPointer, isWrite: Bool
  ) -> Attribution {
    switch role {
    case .database: database(offset, bytes, isWrite: isWrite)
    case .writeAheadLog: writeAheadLog(offset, bytes)
    case .journal: journal(offset, bytes)
    case .other: Attribution(override ?? .guestOther)
    }
  }
}
