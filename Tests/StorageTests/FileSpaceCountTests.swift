// Goal: every call and byte of the guest is in the ledger once, under its owner; every byte at the device as well.
// Method: short scripts with counts worked out by hand (unit 4,096, chunks of 64 KiB), and the merging checked by
// offsets in a trace of the transfers.

import Accounting
import Primitives
import Testing

@testable import Storage

@Suite struct FileSpaceCountTests {
  /// A fresh place, and what it counted while formatting.
  static func place(gather: Int = 1 << 20) throws -> (FileSpacePlace, IOLedger) {
    let place = try FileSpacePlace(
      FileSpaceConfiguration(chunkByteCount: 64 << 10, gatherByteCount: gather),
      description: FileSpaceTests.description(unit: 4_096, capacity: 8 << 20))
    _ = try place.file("a")
    return (place, place.channel.ledger)
  }

  /// (requested operations, requested bytes, transferred operations, transferred bytes)
  static func counts(
    _ place: FileSpacePlace, _ before: IOLedger, _ direction: Direction, _ cause: Cause
  ) -> [UInt64] {
    let count = place.channel.ledger.subtracting(before).total(direction, cause)
    return [
      count.requestedOperationCount, count.requestedByteCount, count.transferredOperationCount,
      count.transferredByteCount,
    ]
  }

  @Test func formattingIsOneDiscardOneWriteOneSync() throws {
    let place = try FileSpacePlace(
      FileSpaceConfiguration(), description: FileSpaceTests.description(unit: 4_096, capacity: 8 << 20))
    let zero = IOLedger()
    #expect(Self.counts(place, zero, .discard, .fileDirectory) == [1, 8 << 20, 1, 8 << 20])
    #expect(Self.counts(place, zero, .write, .fileDirectory) == [1, 512, 1, 512])
    #expect(Self.counts(place, zero, .write, .padding) == [0, 0, 0, 3_584])
    #expect(Self.counts(place, zero, .sync, .fileDirectory) == [1, 0, 1, 0])
  }

  @Test func adjacentWritesLeaveAsOneTransfer() throws {
    let (place, before) = try Self.place()
    // A frame header and a page, twice: 2 × 4,120 bytes, three units.
    for frame in 0..<2 {
      try place.write("a", at: frame * 4_120, [UInt8](repeating: 1, count: 24), Attribution(.walFrameHeader))
      try place.write(
        "a", at: frame * 4_120 + 24, [UInt8](repeating: 2, count: 4_096), Attribution(.walLeaf, .number(0)))
    }
    #expect(Self.counts(place, before, .write, .walLeaf) == [0, 0, 0, 0])
    try place.space.sync(try place.file("a"), cause: .walLeaf)
    #expect(Self.counts(place, before, .write, .walFrameHeader) == [2, 48, 1, 48])
    #expect(Self.counts(place, before, .write, .walLeaf) == [2, 8_192, 0, 8_192])
    // 3 × 4,096 − 8,240 at the end, and the directory's unit.
    #expect(Self.counts(place, before, .write, .padding) == [0, 0, 0, 4_048 + 3_584])
    #expect(Self.counts(place, before, .write, .fileDirectory) == [1, 512, 1, 512])
    #expect(Self.counts(place, before, .sync, .walLeaf) == [1, 0, 1, 0])
    #expect(Self.counts(place, before, .sync, .fileDirectory) == [1, 0, 1, 0])
    #expect(Self.counts(place, before, .directorySync, .fileDirectory) == [1, 0, 1, 0])
    #expect(place.channel.ledger.subtracting(before).total(.read).isZero)
  }

  @Test func aByteWrittenTwiceLeavesOnceForItsLastWriter() throws {
    let (place, before) = try Self.place()
    try place.write("a", at: 0, [UInt8](repeating: 1, count: 4_096), Attribution(.leaf, .number(0)))
    try place.write("a", at: 0, [UInt8](repeating: 2, count: 4_096), Attribution(.leaf, .number(0)))
    try place.write("a", at: 1_000, [UInt8](repeating: 3, count: 96), Attribution(.interior, .number(1)))
    try place.write("a", at: 1_010, [UInt8](repeating: 4, count: 10), Attribution(.overflow))
    try place.write("a", at: 900, [UInt8](repeating: 5, count: 300), Attribution(.freeList))
    try place.space.syncAll(cause: .leaf)
    #expect(Self.counts(place, before, .write, .leaf) == [2, 8_192, 1, 3_796])
    #expect(Self.counts(place, before, .write, .interior) == [1, 96, 0, 0])
    #expect(Self.counts(place, before, .write, .overflow) == [1, 10, 0, 0])
    #expect(Self.counts(place, before, .write, .freeList) == [1, 300, 0, 300])
    let expected =
      [UInt8](repeating: 2, count: 900) + [UInt8](repeating: 5, count: 300)
      + [UInt8](repeating: 2, count: 2_896)
    #expect(try place.read("a", at: 0, 4_096) == expected)
  }

  @Test func aContinuedTailIsNotReadAgain() throws {
    let (place, _) = try Self.place()
    try place.write("a", at: 0, [UInt8](repeating: 1, count: 5_000))
    try place.space.syncAll(cause: .leaf)
    var before = place.channel.ledger
    try place.write("a", at: 5_000, [UInt8](repeating: 2, count: 100))
    try place.space.syncAll(cause: .leaf)
    #expect(place.channel.ledger.subtracting(before).total(.read).isZero)
    #expect(Self.counts(place, before, .write, .leaf) == [1, 100, 1, 100])
    #expect(Self.counts(place, before, .write, .padding) == [0, 0, 0, 3_996 + 3_584])
    // Elsewhere the unit's rest has to be read first.
    before = place.channel.ledger
    try place.write("a", at: 10, [UInt8](repeating: 3, count: 20))
    try place.space.syncAll(cause: .leaf)
    #expect(Self.counts(place, before, .read, .padding) == [0, 0, 1, 4_096])
    #expect(Self.counts(place, before, .write, .leaf) == [1, 20, 1, 20])
    #expect(Self.counts(place, before, .write, .padding) == [0, 0, 0, 4_076])
    // Nothing changed but bytes: the directory stays.
    #expect(Self.counts(place, before, .sync, .fileDirectory) == [0, 0, 0, 0])
    // The file's end is still kept.
    before = place.channel.ledger
    try place.write("a", at: 5_100, [4])
    try place.space.syncAll(cause: .leaf)
    #expect(place.channel.ledger.subtracting(before).total(.read).isZero)
    #expect(
      try place.read("a", at: 0, 6_000)
        == [UInt8](repeating: 1, count: 10) + [UInt8](repeating: 3, count: 20)
        + [UInt8](repeating: 1, count: 4_970)
        + [UInt8](repeating: 2, count: 100) + [4])
  }

  @Test func readsRoundToUnitsAndNameTheirOwner() throws {
    let (place, _) = try Self.place()
    try place.write("a", at: 0, [UInt8](repeating: 1, count: 20_000))
    try place.space.syncAll(cause: .leaf)
    var before = place.channel.ledger
    #expect(try place.read("a", at: 4_096, 4_096).count == 4_096)
    #expect(Self.counts(place, before, .read, .leaf) == [1, 4_096, 1, 4_096])
    #expect(Self.counts(place, before, .read, .padding) == [0, 0, 0, 0])
    before = place.channel.ledger
    #expect(try place.read("a", at: 4_000, 200, Attribution(.interior)).count == 200)
    #expect(Self.counts(place, before, .read, .interior) == [1, 200, 1, 200])
    #expect(Self.counts(place, before, .read, .padding) == [0, 0, 0, 7_992])
    // A short read counts what it returned.
    before = place.channel.ledger
    #expect(try place.read("a", at: 19_000, 4_096).count == 1_000)
    #expect(Self.counts(place, before, .read, .leaf) == [1, 1_000, 1, 1_000])
    before = place.channel.ledger
    #expect(try place.read("a", at: 30_000, 4_096).isEmpty)
    #expect(Self.counts(place, before, .read, .leaf) == [1, 0, 0, 0])
  }

  @Test func gatheredBytesAreReadWithoutTheDevice() throws {
    let (place, before) = try Self.place()
    try place.write("a", at: 0, [UInt8](repeating: 1, count: 8_192))
    #expect(try place.read("a", at: 100, 5_000) == [UInt8](repeating: 1, count: 5_000))
    #expect(Self.counts(place, before, .read, .leaf) == [1, 5_000, 0, 0])
    #expect(place.channel.ledger.subtracting(before).total(.read, Cause.padding).isZero)
    // Half gathered, half on the device: one request, one transfer.
    try place.space.syncAll(cause: .leaf)
    try place.write("a", at: 0, [UInt8](repeating: 2, count: 4_096))
    let later = place.channel.ledger
    #expect(
      try place.read("a", at: 4_000, 200) == [UInt8](repeating: 2, count: 96)
        + [UInt8](repeating: 1, count: 104))
    #expect(Self.counts(place, later, .read, .leaf) == [1, 200, 1, 104])
    #expect(Self.counts(place, later, .read, .padding) == [0, 0, 0, 3_992])
  }

  @Test func readsAreNamedByTheirBytes() throws {
    let (place, _) = try Self.place()
    try place.write("a", at: 0, [UInt8](repeating: 10, count: 4_096) + [UInt8](repeating: 5, count: 4_096))
    try place.space.syncAll(cause: .leaf)
    place.space.readClassifier = { _, _, bytes in
      bytes.first == 10 ? Attribution(.leaf, .number(0)) : Attribution(.interior, .number(1))
    }
    let before = place.channel.ledger
    _ = try place.read("a", at: 0, 100, nil)
    _ = try place.read("a", at: 4_096, 4_096, nil)
    #expect(Self.counts(place, before, .read, .leaf) == [1, 100, 1, 100])
    #expect(Self.counts(place, before, .read, .interior) == [1, 4_096, 1, 4_096])
    #expect(Self.counts(place, before, .read, .padding) == [0, 0, 0, 3_996])
    #expect(Self.counts(place, before, .read, .guestOther) == [0, 0, 0, 0])
  }

  @Test func aFullBufferLeavesOnItsOwn() throws {
    let (place, before) = try Self.place(gather: 16_384)
    for page in 0..<9 { try place.write("a", at: page * 4_096, [UInt8](repeating: 1, count: 4_096)) }
    // Two batches of four units are on the device, one unit is gathered.
    #expect(Self.counts(place, before, .write, .leaf) == [8, 32_768, 2, 32_768])
    try place.space.syncAll(cause: .leaf)
    #expect(Self.counts(place, before, .write, .leaf) == [9, 36_864, 3, 36_864])
  }

  @Test func namespaceOperationsEndTheBatchAndAreCounted() throws {
    let (place, before) = try Self.place()
    try place.write("a", at: 0, [UInt8](repeating: 1, count: 4_096))
    _ = try place.file("b")
    #expect(Self.counts(place, before, .write, .leaf) == [1, 4_096, 1, 4_096])
    try place.space.truncate(try place.file("a"), to: 100)
    try place.space.delete("b", syncsDirectory: true)
    for direction in [Direction.create, .truncate, .delete, .directorySync] {
      #expect(Self.counts(place, before, direction, .fileDirectory) == [1, 0, 1, 0], "\(direction)")
    }
    // The data is synced before the directory that tells of it.
    #expect(Self.counts(place, before, .sync, .fileDirectory) == [2, 0, 2, 0])
  }
}
