// Goal: a file space is a set of byte arrays with names, whatever is gathered, reopened, cut or recycled; it keeps
// what was synced through any crash; and its counts are exact.
// Method: random operations against arrays of bytes, with reopening; every device call of a script failed or crashed
// at, with every kind of survivors; scripted sequences with counts worked out by hand.

import Accounting
import Primitives
import Testing

@testable import Storage

@Suite struct FileSpaceTests {
  static func description(unit: Int = 512, capacity: UInt64 = 4 << 20) -> DeviceDescription {
    var description = DeviceDescription()
    description.transferUnitByteCount = unit
    description.capacityByteCount = capacity
    return description
  }

  static let names = ["main.db", "main.db-wal", "main.db-journal"]

  /// One random operation on place and model.
  static func act(_ place: FileSpacePlace, _ model: inout FileModel, _ draws: inout Draws, longest: Int)
    throws
  {
    let name = names[draws.next(below: names.count)]
    switch draws.next(below: 100) {
    case 0..<50:
      let present = model.files[name] ?? []
      // Mostly near the end or inside, now and then far behind it.
      let offset: Int
      switch draws.next(below: 10) {
      case 0: offset = draws.next(below: longest)
      case 1...5: offset = present.count
      default: offset = draws.next(below: present.count + 1)
      }
      let count = min(
        longest - min(offset, longest), draws.next(below: draws.next(below: 4) == 0 ? 5_000 : 700))
      guard count > 0 else { return }
      let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ offset) | 1 }
      let causes: [Cause] = [.leaf, .interior, .walLeaf, .walFrameHeader, .journalPage]
      try place.write(
        name, at: offset, bytes,
        Attribution(causes[draws.next(below: causes.count)], .number(draws.next(below: 3))))
      var file = present
      if file.count < offset + count { file += [UInt8](repeating: 0, count: offset + count - file.count) }
      file.replaceSubrange(offset..<(offset + count), with: bytes)
      model.files[name] = file
    case 50..<75:
      guard let file = model.files[name] else { return }
      var offset = draws.next(below: file.count + 600)
      var count = draws.next(below: 3_000)
      if draws.next(below: 3) == 0 {
        // Whole units, which take a way of their own.
        let unit = place.space.transferUnitByteCount
        offset -= offset % unit
        count = (1 + draws.next(below: 5)) * unit
      }
      let expected = Array(file[min(offset, file.count)..<min(offset + count, file.count)])
      let got = try place.read(name, at: offset, count)
      #expect(got == expected, "\(name) at \(offset), \(count) bytes")
    case 75..<84:
      guard let file = model.files[name] else { return }
      let size = draws.next(below: 6) == 0 ? draws.next(below: longest) : draws.next(below: file.count + 1)
      try place.space.truncate(try place.file(name), to: UInt64(size))
      model.files[name] =
        size <= file.count ? Array(file[..<size]) : file + [UInt8](repeating: 0, count: size - file.count)
    case 84..<88:
      guard model.files[name] != nil else { return }
      try place.space.delete(name, syncsDirectory: draws.next(below: 2) == 0)
      model.files[name] = nil
    case 88..<97:
      guard model.files[name] != nil else { return }
      try place.space.sync(try place.file(name), cause: .leaf)
    default: try place.reopen()
    }
  }

  @Test(arguments: [512, 4_096], [UInt64](1...6))
  func isASetOfByteArrays(unit: Int, seed: UInt64) throws {
    let configuration = FileSpaceConfiguration(
      chunkByteCount: unit * (seed % 2 == 0 ? 1 : 8), largestGrowthByteCount: 64 << 10,
      gatherByteCount: seed % 3 == 0 ? 2 * unit : 24 * unit)
    let place = try FileSpacePlace(configuration, description: Self.description(unit: unit))
    var model = FileModel()
    var draws = Draws(seed: seed)
    for step in 0..<1_200 {
      try Self.act(place, &model, &draws, longest: 60_000)
      try place.space.verify()
      if step % 40 == 0 { #expect(try place.contents() == model, "step \(step)") }
    }
    #expect(try place.contents() == model)
    try place.reopen()
    #expect(try place.contents() == model)
    let problem = ConservationViolation.first(of: place)
    #expect(problem == nil)
    try place.space.close()
    #expect(place.budget.heldByteCount == 0)
  }

  @Test func equalCallsGiveEqualDevices() throws {
    let hashes = try (0..<2).map { _ in
      let place = try FileSpacePlace(
        FileSpaceConfiguration(chunkByteCount: 4_096, gatherByteCount: 16_384),
        description: Self.description())
      var model = FileModel()
      var draws = Draws(seed: 42)
      for _ in 0..<600 { try Self.act(place, &model, &draws, longest: 50_000) }
      return try #require(place.stack.memory).contentHash()
    }
    #expect(hashes[0] == hashes[1])
  }

  @Test func recycledRegionsReadAsZero() throws {
    let place = try FileSpacePlace(
      FileSpaceConfiguration(chunkByteCount: 4_096, gatherByteCount: 16_384),
      description: Self.description(capacity: 256 << 10))
    for round in 0..<30 {
      // Most of the device, so that chunks come round again.
      try place.write("a", at: 0, [UInt8](repeating: 0xAB, count: 60_000 + round * 100))
      try place.space.sync(try place.file("a"), cause: .leaf)
      try place.space.delete("a", syncsDirectory: round % 2 == 0)
      try place.write("b", at: 50_000, [1])
      #expect(try place.read("b", at: 0, 50_000).allSatisfy { $0 == 0 }, "round \(round)")
      if round % 3 == 0 { try place.reopen() }
      #expect(try place.read("b", at: 0, 50_000).allSatisfy { $0 == 0 }, "round \(round)")
      try place.space.delete("b", syncsDirectory: false)
      try place.space.verify()
    }
  }

  @Test func bytesBehindACutReadAsZero() throws {
    for cut in [0, 1, 100, 511, 512, 513, 5_000] {
      for grown in [cut + 1, 600, 1_024, 5_500, 9_000] where grown > cut {
        let place = try FileSpacePlace(
          FileSpaceConfiguration(chunkByteCount: 8_192, gatherByteCount: 16_384),
          description: Self.description())
        try place.write("a", at: 0, [UInt8](repeating: 7, count: 8_000))
        try place.space.syncAll(cause: .leaf)
        try place.space.truncate(try place.file("a"), to: UInt64(cut))
        try place.write("a", at: grown, [9])
        let expected = [UInt8](repeating: 7, count: cut) + [UInt8](repeating: 0, count: grown - cut) + [9]
        #expect(try place.read("a", at: 0, 10_000) == expected)
        try place.space.syncAll(cause: .leaf)
        #expect(try place.read("a", at: 0, 10_000) == expected)
        try place.reopen()
        #expect(try place.read("a", at: 0, 10_000) == expected)
      }
    }
  }

  @Test func aFullDeviceSaysSoAndGoesOn() throws {
    let place = try FileSpacePlace(
      FileSpaceConfiguration(chunkByteCount: 4_096, gatherByteCount: 16_384),
      description: Self.description(capacity: 192 << 10))
    try place.write("a", at: 0, [UInt8](repeating: 1, count: 40_000))
    #expect(throws: StorageError.self) { try place.write("b", at: 0, [UInt8](repeating: 2, count: 90_000)) }
    #expect(try place.read("a", at: 0, 40_000) == [UInt8](repeating: 1, count: 40_000))
    try place.space.delete("a", syncsDirectory: true)
    try place.space.delete("b", syncsDirectory: true)
    try place.write("b", at: 0, [UInt8](repeating: 2, count: 60_000))
    try place.space.syncAll(cause: .leaf)
    try place.space.verify()
  }

  @Test func deletedAndClosedHandlesAreRefused() throws {
    let place = try FileSpacePlace(FileSpaceConfiguration(), description: Self.description(capacity: 4 << 20))
    let file = try place.file("a")
    try place.space.delete("a", syncsDirectory: false)
    #expect(throws: StorageError.self) { try place.space.truncate(file, to: 4) }
    #expect(throws: StorageError.self) { try place.space.delete("a", syncsDirectory: false) }
    #expect(try place.space.open("a", creates: false) == nil)
    try place.space.close()
    #expect(throws: StorageError.closed) { _ = try place.space.exists("a") }
    #expect(throws: StorageError.closed) { try place.space.close() }
  }

  @Test func filesAreBoundedInNumber() throws {
    let place = try FileSpacePlace(
      FileSpaceConfiguration(maximumFileCount: 2), description: Self.description())
    _ = try place.file("a")
    _ = try place.file("b")
    #expect(throws: StorageError.self) { _ = try place.file("c") }
    try place.space.delete("a", syncsDirectory: false)
    _ = try place.file("c")
  }
}

extension ConservationViolation {
  /// The first difference between ledger and device of a place.
  static func first(of place: FileSpacePlace) -> String? {
    for direction in Direction.allCases {
      let ledger = place.channel.ledger.total(direction)
      let device = place.stack.counting.counts[direction]
      if ledger.transferredOperationCount != device.operationCount
        || ledger.transferredByteCount != device.byteCount
      {
        return "\(direction): ledger \(ledger), device \(device)"
      }
    }
    return nil
  }
}
