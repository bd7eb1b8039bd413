// SQLite's files, looked at in an image: pages by class, frames of the write-ahead log with their checksums, a journal
// that waits to be rolled back, and SQLite's own integrity check.
//
//   main.db          page 1 … n: leaf, interior, overflow, free list
//   main.db-wal      32 header │ 24 frame header, page │ …     checksums chained from the header on
//   main.db-journal  28 header, then records: a journal with a header is hot
//
// The integrity check opens the database as a program would: a hot journal is rolled back and the log is read again,
// in memory over the image, which stays as it is. Database pages have no checksum: what the check cannot see is a
// changed byte inside a value.
//
// Source: SQLite file format, sections 1.3 (header), 1.6 (B-tree pages), 3 (rollback journal), 4.1-4.2 (WAL).

import CSQLite
import KeyValue
import Primitives
import Storage

extension SQLiteEngine {
  /// Looks at the files of the image.
  public static func examine(_ image: EngineImage, _ report: inout StructureReport) throws(StorageError) {
    let space = try FileSpace(channel: image.channel, budget: image.budget, formats: false)
    var hasDatabase = false
    for file in space.files {
      let bytes = GuestFile(space: space, file: file)
      if file.name.hasSuffix("-wal") {
        try examineLog(bytes, &report)
      } else if file.name.hasSuffix("-journal") {
        try examineJournal(bytes, &report)
      } else {
        hasDatabase = true
        try examineDatabase(bytes, &report)
      }
    }
    guard hasDatabase else {
      report.addFinding("SQLite database", offset: 0, "the file space holds no database")
      return
    }
    try checkIntegrity(space, &report)
  }

  // MARK: Files

  private static func examineDatabase(_ file: GuestFile, _ report: inout StructureReport) throws(StorageError)
  {
    let head = try file.read(0, 100)
    guard head.count == 100, Array(head[0..<16]) == Array("SQLite format 3\0".utf8) else {
      // A crash before the first page was written leaves an empty file; an opening decides what that means.
      let isEmpty = head.allSatisfy { $0 == 0 }
      report.addFinding(
        "SQLite database", offset: file.place(0), "it does not begin with SQLite's header",
        isHarmless: isEmpty)
      return
    }
    let stored = bigEndian16(head, 16)
    let pageByteCount = stored == 1 ? 65_536 : stored
    guard pageByteCount >= 512, pageByteCount.nonzeroBitCount == 1 else {
      report.addFinding("SQLite database", offset: file.place(16), "its page size is \(pageByteCount)")
      return
    }
    report.addFact("page_bytes", String(pageByteCount))
    report.addFact("pages_in_header", String(bigEndian32(head, 28)))
    report.addFact("free_pages_in_header", String(bigEndian32(head, 36)))
    report.addFact("journal_format", head[18] == 2 ? "wal" : "rollback")
    var classifier = GuestClassifier(pageByteCount: pageByteCount)
    classifier.databasePageCount = UInt32(clamping: file.byteCount / UInt64(pageByteCount))
    var offset: UInt64 = 0
    while offset + UInt64(pageByteCount) <= file.byteCount {
      let page = try file.read(offset, pageByteCount)
      page.withUnsafeBytes { bytes in
        let kind = classifier.kind(of: bytes)
        let header = offset == 0 ? 100 : 0
        let isTree = kind == .leaf || kind == .interior
        report.addPart(
          "\(kind)", level: isTree ? (kind == .leaf ? 0 : 1) : nil, byteCount: UInt64(pageByteCount),
          usedByteCount: UInt64(isTree ? usedByteCount(page, header: header) : pageByteCount),
          entryCount: isTree ? UInt64(bigEndian16(page, header + 3)) : 0)
      }
      offset += UInt64(pageByteCount)
    }
    if offset != file.byteCount {
      report.addFinding(
        "SQLite database", offset: file.place(offset), "it ends inside a page, after \(file.byteCount) bytes",
        isHarmless: true)
    }
  }

  /// Bytes of a tree page that are not the gap between cell pointers and cells.
  private static func usedByteCount(_ page: [UInt8], header: Int) -> Int {
    let isInterior = page[header] == 2 || page[header] == 5
    let pointersEnd = header + (isInterior ? 12 : 8) + 2 * bigEndian16(page, header + 3)
    let stored = bigEndian16(page, header + 5)
    let contentStart = stored == 0 ? 65_536 : stored
    let gap = min(page.count, contentStart) - pointersEnd
    return max(0, page.count - max(0, gap) - Int(page[header + 7]))
  }

  private static func examineLog(_ file: GuestFile, _ report: inout StructureReport) throws(StorageError) {
    if file.byteCount == 0 { return }
    let head = try file.read(0, 32)
    let magic = head.count == 32 ? bigEndian32(head, 0) : 0
    guard magic == 0x377F_0682 || magic == 0x377F_0683 else {
      report.addFinding(
        "SQLite log header", offset: file.place(0), "it does not begin with the log's magic", isHarmless: true
      )
      return
    }
    var sum = LogChecksum(isBigEndian: magic & 1 == 1)
    sum.add(head[0..<24])
    report.checksumCount += 1
    guard sum.first == bigEndian32(head, 24), sum.second == bigEndian32(head, 28) else {
      report.addFinding(
        "SQLite log header", offset: file.place(0), "its checksum is wrong: an opening ignores the log",
        isHarmless: true)
      return
    }
    let pageByteCount = Int(bigEndian32(head, 8))
    guard pageByteCount >= 512, pageByteCount <= 65_536, pageByteCount.nonzeroBitCount == 1 else {
      report.addFinding("SQLite log header", offset: file.place(8), "its page size is \(pageByteCount)")
      return
    }
    let frameByteCount = UInt64(24 + pageByteCount)
    var offset: UInt64 = 32
    var frameCount: UInt64 = 0
    var commitCount: UInt64 = 0
    var committedFrameCount: UInt64 = 0
    while offset + frameByteCount <= file.byteCount {
      let frame = try file.read(offset, Int(frameByteCount))
      guard frame[8..<16].elementsEqual(head[16..<24]) else { break }
      sum.add(frame[0..<8])
      sum.add(frame[24...])
      report.checksumCount += 1
      guard sum.first == bigEndian32(frame, 16), sum.second == bigEndian32(frame, 20) else {
        report.addFinding(
          "SQLite log frame", offset: file.place(offset),
          "the checksum of frame \(frameCount) is wrong: an opening ends the log before it", isHarmless: true)
        break
      }
      frameCount += 1
      if bigEndian32(frame, 4) != 0 {
        commitCount += 1
        committedFrameCount = frameCount
      }
      report.addPart(
        "log frame", byteCount: frameByteCount, usedByteCount: frameByteCount, entryCount: 1)
      offset += frameByteCount
    }
    report.addFact("log_frames", String(frameCount))
    report.addFact("log_commits", String(commitCount))
    if commitCount > 0 {
      report.addRecovery(
        "the write-ahead log holds \(commitCount) commits in \(committedFrameCount) frames: opening reads them again"
      )
    }
  }

  private static func examineJournal(_ file: GuestFile, _ report: inout StructureReport) throws(StorageError)
  {
    let head = try file.read(0, 28)
    let isHot = head.count == 28 && Array(head[0..<8]) == [0xD9, 0xD5, 0x05, 0xF9, 0x20, 0xA1, 0x63, 0xD7]
    report.addPart(
      isHot ? "journal" : "journal, idle", byteCount: file.byteCount,
      usedByteCount: isHot ? file.byteCount : 0, entryCount: isHot ? UInt64(bigEndian32(head, 8)) : 0)
    if isHot {
      report.addRecovery(
        "a rollback journal of \(file.byteCount) bytes is there: opening undoes the last transaction")
    }
  }

  // MARK: Integrity

  private static func checkIntegrity(
    _ space: FileSpace, _ report: inout StructureReport
  ) throws(StorageError) {
    var randomness = GuestRandomness(seed: 0, opening: space.generation)
    var rows: [[String]] = []
    do throws(EngineError) {
      try RandomnessTurn.with(&randomness) { () throws(EngineError) in
        let guest = GuestFiles(space: space, pageByteCount: 4_096, isPowersafeOverwrite: true)
        guest.classifier.override = .verification
        let connection = try SQLiteConnection(path: "main.db", guest: guest, creates: false)
        try connection.run("PRAGMA locking_mode=exclusive")
        try connection.run("PRAGMA mmap_size=0")
        try connection.run("PRAGMA temp_store=MEMORY")
        rows = try connection.rows("PRAGMA integrity_check(50)")
        let count = try connection.value("SELECT count(*) FROM sqlite_schema WHERE name = 'records'")
        if count == "1" {
          report.addFact("records", try connection.value("SELECT count(*) FROM records"))
        }
        report.addFact("pages", try connection.value("PRAGMA page_count"))
        report.addFact("free_pages", try connection.value("PRAGMA freelist_count"))
      }
    } catch {
      switch error {
      case .storage(let failure): try report.note(failure)
      default: report.addFinding("SQLite database", offset: 0, "\(error)")
      }
    }
    let pageByteCount = report.facts.first { $0.name == "page_bytes" }.flatMap { UInt64($0.value) } ?? 4_096
    let database = space.files.first { !$0.name.hasSuffix("-wal") && !$0.name.hasSuffix("-journal") }
    for row in rows where row != ["ok"] {
      for line in (row.first ?? "").split(separator: "\n") {
        let page = pageNumber(in: line)
        let offset = page.flatMap { database?.deviceOffset(of: ($0 - 1) * pageByteCount) } ?? 0
        report.addFinding(page == nil ? "SQLite database" : "SQLite page", offset: offset, String(line))
      }
    }
  }

  /// The number behind the word "page", nil when there is none.
  private static func pageNumber(in line: Substring) -> UInt64? {
    let words = line.split(whereSeparator: { " :,".contains($0) })
    for (word, next) in zip(words, words.dropFirst()) where word == "page" || word == "Page" {
      if let number = UInt64(next), number > 0, number < 1 << 32 { return number }
    }
    return nil
  }

  private static func bigEndian16(_ bytes: [UInt8], _ offset: Int) -> Int {
    Int(bytes[offset]) << 8 | Int(bytes[offset + 1])
  }

  fileprivate static func bigEndian32(_ bytes: [UInt8], _ offset: Int) -> UInt32 {
    bytes[offset..<(offset + 4)].reduce(0) { $0 << 8 | UInt32($1) }
  }
}

/// Reads a guest's file; fewer bytes at its end.
private struct GuestFile {
  let space: FileSpace
  let file: SpaceFile

  var byteCount: UInt64 { file.byteCount }

  func read(_ offset: UInt64, _ byteCount: Int) throws(StorageError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: byteCount)
    var outcome: Result<Int, StorageError> = .success(0)
    bytes.withUnsafeMutableBytes { target in
      do throws(StorageError) {
        outcome = .success(try space.read(file, at: offset, into: target, Attribution(.verification)))
      } catch {
        outcome = .failure(error)
      }
    }
    return Array(bytes[..<(try outcome.get())])
  }

  /// Where a byte lies on the device, for a finding.
  func place(_ offset: UInt64) -> UInt64 { file.deviceOffset(of: offset) ?? 0 }
}

/// The checksum of the write-ahead log: two sums over pairs of 32-bit words.
private struct LogChecksum {
  let isBigEndian: Bool
  var first: UInt32 = 0
  var second: UInt32 = 0

  init(isBigEndian: Bool) { self.isBigEndian = isBigEndian }

  mutating func add(_ bytes: ArraySlice<UInt8>) {
    bytes.withUnsafeBytes { buffer in
      var offset = 0
      while offset + 8 <= buffer.count {
        let one = buffer.loadUnaligned(fromByteOffset: offset, as: UInt32.self)
        let two = buffer.loadUnaligned(fromByteOffset: offset + 4, as: UInt32.self)
        first = first &+ (isBigEndian ? UInt32(bigEndian: one) : UInt32(littleEndian: one)) &+ second
        second = second &+ (isBigEndian ? UInt32(bigEndian: two) : UInt32(littleEndian: two)) &+ first
        offset += 8
      }
    }
  }
}
