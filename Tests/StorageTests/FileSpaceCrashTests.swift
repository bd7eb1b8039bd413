// Goal: whatever call fails or is the last before a crash, the space comes back with the old or the new directory and
// every byte that was synced; and damage is never taken for a directory.
// Method: a script is run once to count its device calls; then again and again, with the power lost at each of them
// and several kinds of survivors, in units of 512 bytes; the same with each call failing. Bits of the directory slots
// are flipped one by one.

import Accounting
import Primitives
import Testing

@testable import Storage

@Suite struct FileSpaceCrashTests {
  static let configuration = FileSpaceConfiguration(
    chunkByteCount: 4_096, largestGrowthByteCount: 4_096, gatherByteCount: 3 * 4_096)

  static func description(_ faults: [ScriptedFault] = []) -> DeviceDescription {
    var description = FileSpaceTests.description(unit: 4_096, capacity: 512 << 10)
    description.tracksCrashes = true
    description.crashAtomByteCount = 512
    description.faults = faults
    return description
  }

  /// What a crash may show: the content at the last finished sync, and which bytes were touched since.
  struct Expectation {
    /// Names, sizes and bytes at the last sync or directory sync that returned.
    var synced = FileModel()
    /// As it is now; a directory operation in flight may have made it durable.
    var current = FileModel()
    /// Names and sizes that a directory written since the last one may show, the synced one excluded.
    var possibleShapes: [[String: Int]] = []
    /// Bytes written or cut since the last sync, by file.
    var touched: [String: Set<Int>] = [:]

    static func shape(_ model: FileModel) -> [String: Int] { model.files.mapValues(\.count) }

    mutating func noteSync() {
      synced = current
      possibleShapes = []
      touched = [:]
    }
  }

  /// A script of every kind of call; returns when a call fails.
  static func run(_ place: FileSpacePlace, _ expectation: inout Expectation) throws {
    var draws = Draws(seed: 11)
    var next: UInt8 = 1
    for round in 0..<14 {
      for name in ["db", "wal"] {
        let size = expectation.current.files[name]?.count ?? 0
        let offset = round % 3 == 2 ? draws.next(below: size + 1) : size
        let count = 1 + draws.next(below: 5_000)
        next = next &+ 1 | 1
        var file = expectation.current.files[name] ?? []
        if file.count < offset + count { file += [UInt8](repeating: 0, count: offset + count - file.count) }
        file.replaceSubrange(offset..<(offset + count), with: repeatElement(next, count: count))
        expectation.current.files[name] = file
        expectation.touched[name, default: []].formUnion(offset..<(offset + count))
        try place.write(name, at: offset, [UInt8](repeating: next, count: count))
      }
      // A sync in flight may have written the directory of now.
      expectation.possibleShapes = [Expectation.shape(expectation.current)]
      try place.space.sync(try place.file("db"), cause: .leaf)
      expectation.noteSync()
      switch round % 4 {
      case 0:
        let size = draws.next(below: expectation.current.files["wal"]!.count)
        let old = expectation.current.files["wal"]!.count
        expectation.touched["wal", default: []].formUnion(size..<old)
        expectation.current.files["wal"] = Array(expectation.current.files["wal"]![..<size])
        try place.space.truncate(try place.file("wal"), to: UInt64(size))
      case 1:
        expectation.current.files["wal"] = nil
        expectation.possibleShapes.append(Expectation.shape(expectation.current))
        let syncs = round % 8 == 1
        try place.space.delete("wal", syncsDirectory: syncs)
        if syncs { expectation.noteSync() }
      default: break
      }
    }
  }

  /// Holds what came back against what may have come back.
  static func check(_ image: MemoryDevice, _ expectation: Expectation, _ what: String) throws {
    let place = try FileSpacePlace(
      configuration, description: FileSpaceTests.description(unit: 4_096, capacity: 512 << 10), image: image)
    try place.space.verify()
    let found = try place.contents()
    let shape = Expectation.shape(found)
    let allowed = [Expectation.shape(expectation.synced)] + expectation.possibleShapes
    #expect(allowed.contains(shape), "\(what): \(shape), allowed \(allowed)")
    for (name, file) in found.files {
      guard let old = expectation.synced.files[name] else { continue }
      let touched = expectation.touched[name] ?? []
      for index in 0..<min(old.count, file.count) where !touched.contains(index) && file[index] != old[index]
      {
        Issue.record("\(what): byte \(index) of \(name) is \(file[index]), synced was \(old[index])")
        return
      }
    }
    // And it works: what is written now comes back.
    try place.write("after", at: 3, [5, 6, 7])
    try place.reopen()
    #expect(try place.read("after", at: 0, 10) == [0, 0, 0, 5, 6, 7])
    try place.space.verify()
  }

  static func callCount() throws -> UInt64 {
    let place = try FileSpacePlace(configuration, description: description())
    var expectation = Expectation()
    expectation.noteSync()
    try run(place, &expectation)
    return try #require(place.stack.fault).callCount
  }

  @Test func everyCrashLeavesTheOldOrTheNewDirectory() throws {
    let total = try Self.callCount()
    #expect(total > 60)
    // Calls 0, 1, 2 format.
    for call in 3..<total {
      let place = try FileSpacePlace(
        Self.configuration, description: Self.description([ScriptedFault(at: call, .powerLoss)]))
      var expectation = Expectation()
      #expect(throws: StorageError.self) { try Self.run(place, &expectation) }
      let fault = try #require(place.stack.fault)
      let survivors: [CrashSurvivors] =
        [.none, .all] + (0..<6).map { .seeded($0 &+ call &* 100) }
        + (fault.unsyncedAtomCount < 1 ? [] : [.only([0]), .allBut([fault.unsyncedAtomCount - 1])])
      for kind in survivors {
        try Self.check(fault.crash(survivors: kind), expectation, "call \(call), \(kind)")
      }
    }
  }

  @Test func everyFailedCallPoisonsOrPasses() throws {
    let total = try Self.callCount()
    for call in 3..<total {
      let place = try FileSpacePlace(
        Self.configuration, description: Self.description([ScriptedFault(at: call, .fail(errno: 5))]))
      var expectation = Expectation()
      do {
        try Self.run(place, &expectation)
        Issue.record("call \(call) failed and nobody noticed")
      } catch is StorageError {}
      if place.channel.poisonedBy != nil {
        #expect(throws: StorageError.self) { try place.write("db", at: 0, [1]) }
        #expect(throws: StorageError.self) { _ = try place.read("db", at: 0, 1) }
        #expect(throws: StorageError.self) { try place.space.syncAll(cause: .leaf) }
        #expect(throws: StorageError.self) { try place.space.close() }
        #expect(place.budget.heldByteCount == 0)
      } else {
        // A read failed: the space goes on as if nothing had been.
        try place.space.syncAll(cause: .leaf)
        try place.space.verify()
      }
    }
  }

  @Test func aLostDirectoryWriteIsFound() throws {
    // The sync that follows a directory write is believed, but the write never arrived: two generations later the
    // slots no longer stand beside each other.
    let place = try FileSpacePlace(Self.configuration, description: Self.description())
    let fault = try #require(place.stack.fault)
    try place.write("a", at: 0, [1])
    try place.space.syncAll(cause: .leaf)
    let next = fault.callCount
    // The next sync: data, sync, directory, sync.
    fault.add(ScriptedFault(at: next + 2, .lost))
    try place.write("a", at: 5_000, [1])
    try place.space.syncAll(cause: .leaf)
    try place.write("a", at: 10_000, [1])
    try place.space.syncAll(cause: .leaf)
    let image = try #require(place.stack.memory)
    #expect(throws: StorageError.self) {
      _ = try FileSpacePlace(
        Self.configuration, description: FileSpaceTests.description(unit: 4_096, capacity: 512 << 10),
        image: image)
    }
  }

  @Test func flippedBitsOfTheDirectoryAreFound() throws {
    let place = try FileSpacePlace(Self.configuration, description: Self.description())
    try place.write("a", at: 0, [UInt8](repeating: 1, count: 20_000))
    try place.space.syncAll(cause: .leaf)
    try place.write("b", at: 0, [UInt8](repeating: 2, count: 20_000))
    try place.space.syncAll(cause: .leaf)
    let image = try #require(place.stack.memory)
    let description = FileSpaceTests.description(unit: 4_096, capacity: 512 << 10)
    for slot in 0..<2 {
      for bit in stride(from: 0, to: 700 * 8, by: 7) {
        let copy = image.clone()
        let offset = UInt64(slot * FileSpace.smallestSlotByteCount)
        let frame = Frame(byteCount: 4_096)
        copy.peek(at: offset, byteCount: 4_096).withUnsafeBytes { frame.mutableBytes.copyBytes(from: $0) }
        frame.mutableBytes[bit / 8] ^= 1 << UInt8(bit % 8)
        copy.place(unitAt: offset, frame: frame, frameOffset: 0)
        do {
          let found = try FileSpacePlace(Self.configuration, description: description, image: copy)
          Issue.record("slot \(slot), bit \(bit): accepted with \(found.space.files.count) files")
        } catch StorageError.corrupted {}
      }
    }
  }

  @Test func aDirectoryThatCannotBeIsRefused() throws {
    typealias Entry = FileDirectory.Entry
    typealias Run = FileDirectory.ClosedChunkRun
    func directory(_ entries: [Entry]) -> FileDirectory {
      FileDirectory(
        transferUnitByteCount: 4_096, chunkByteCount: 4_096, capacityByteCount: 512 << 10, nextFileID: 10,
        entries: entries)
    }
    let wrong: [(String, FileDirectory)] = [
      (
        "two files, one chunk",
        directory([
          Entry(id: 1, name: "a", byteCount: 10, regions: [Run(start: 0, count: 2)]),
          Entry(id: 2, name: "b", byteCount: 10, regions: [Run(start: 1, count: 1)]),
        ])
      ),
      (
        "a chunk off the device",
        directory([Entry(id: 1, name: "a", byteCount: 1, regions: [Run(start: 95, count: 2)])])
      ),
      (
        "a huge run",
        directory([Entry(id: 1, name: "a", byteCount: 1, regions: [Run(start: 1, count: .max)])])
      ),
      (
        "an empty run", directory([Entry(id: 1, name: "a", byteCount: 0, regions: [Run(start: 1, count: 0)])])
      ),
      (
        "more bytes than regions",
        directory([Entry(id: 1, name: "a", byteCount: .max, regions: [Run(start: 0, count: 1)])])
      ),
      (
        "one name twice",
        directory([
          Entry(id: 1, name: "a", byteCount: 0, regions: []),
          Entry(id: 2, name: "a", byteCount: 0, regions: []),
        ])
      ),
      ("an id from the future", directory([Entry(id: 10, name: "a", byteCount: 0, regions: [])])),
    ]
    var other = directory([])
    other.capacityByteCount = 1 << 20
    var unit = directory([])
    unit.transferUnitByteCount = 512
    var chunk = directory([])
    chunk.chunkByteCount = 0
    for (what, directory) in wrong + [
      ("another capacity", other), ("another unit", unit), ("no chunk", chunk),
    ] {
      let memory = MemoryDevice(capacityByteCount: 512 << 10)
      let frame = Frame(byteCount: 65_536)
      _ = directory.encode(generation: 1, into: frame.mutableBytes)
      for index in 0..<16 {
        memory.place(unitAt: UInt64(65_536 + index * 4_096), frame: frame, frameOffset: index * 4_096)
      }
      do {
        _ = try FileSpacePlace(
          Self.configuration, description: FileSpaceTests.description(unit: 4_096, capacity: 512 << 10),
          image: memory)
        Issue.record("\(what) was accepted")
      } catch StorageError.corrupted {}
    }
  }

  /// The bytes of a directory, worked out by hand from the table in `FileDirectory`.
  @Test func theDirectoryHasItsFormat() throws {
    let directory = FileDirectory(
      transferUnitByteCount: 4_096, chunkByteCount: 0x40000, capacityByteCount: 0x1_0000_0000, nextFileID: 3,
      entries: [
        FileDirectory.Entry(
          id: 2, name: "db", byteCount: 0x1234, regions: [FileDirectory.ClosedChunkRun(start: 5, count: 1)])
      ])
    let memory = Frame(byteCount: 4_096)
    #expect(directory.encode(generation: 7, into: memory.mutableBytes) == 512)
    let bytes = Array(memory.bytes)
    #expect(Array(bytes[0..<8]) == [7, 0, 0, 0, 0, 0, 0, 0])
    #expect(Array(bytes[12..<20]) == Array("BetulaFS".utf8))
    let expected: [UInt8] = [
      1, 0, 0, 0, 0, 16, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 78, 0, 0, 0, 3, 0, 0, 0, 1, 0,
      0, 0,
    ]
    #expect(Array(bytes[20..<56]) == expected)
    let entry: [UInt8] =
      [2, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 0x34, 0x12, 0, 0, 0, 0, 0, 0] + Array("db".utf8) + [
        5, 0, 0, 0, 1, 0, 0, 0,
      ]
    #expect(Array(bytes[60..<90]) == entry)
    #expect(bytes[90...].allSatisfy { $0 == 0 })
    guard
      case .complete(let generation, let image) = try FileDirectory.read(
        memory.bytes, slot: 1, deviceOffset: 0)
    else {
      Issue.record("not complete")
      return
    }
    #expect(generation == 7)
    #expect(try FileDirectory.decode(image) == directory)
  }
}
