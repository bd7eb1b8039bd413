// Goal: what a flipped bit does to SQLite is known by the place of the bit, and whatever it is, it is no trap.
// Method: a small database and its log, taken apart by their documented formats; bits of each class are flipped on a copy
// of the device, one at a time, and what opening, checking and reading then say is held against what must follow:
//
//   log             header and frames carry a running checksum          the commits before the damaged frame, exactly
//   structure       page headers, cell pointers, child pointers,        an error of open or of the full check: every page
//                   free blocks, overflow chains                        and every byte of a page has exactly one use
//   values          bytes of a value, in the cell or in its chain       SQLite sees nothing; the value's own check does, and
//                                                                       no other value has changed
//   keys            bytes of a key                                      an error, or contents that are not those written
//   unused          between cell pointers and cells, in free blocks
//                                                                        nothing: all right
//   file header     the database's first 100 bytes                      an error, or all right
//
// Source: "Database File Format" and "WAL File Format", sqlite.org (sections 1.3, 1.6, 4.1, 4.2); the log's checksum is a
// chain of invertible steps modulo 2^32, so one changed word always changes it.

import Accounting
import KeyValue
import Primitives
import Storage
import Testing
import Workload

@testable import SQLiteBaseline
@testable import Storage

/// The bytes of one file of a device's file space, and where they lie on the device.
private struct FileBytes {
  var bytes: [UInt8] = []
  private var regions: [SpaceFile.Region] = []

  init(_ name: String, on image: MemoryDevice) throws {
    let channel = IOChannel(device: image.clone())
    let space = try FileSpace(channel: channel, budget: MemoryBudget(limitByteCount: 8 << 20), formats: false)
    let file = try #require(try space.open(name, creates: false))
    regions = Array(file.regions)
    for region in regions {
      let count = Int(min(region.byteCount, file.byteCount - min(file.byteCount, region.fileOffset)))
      if count > 0 { bytes += image.peek(at: region.deviceOffset, byteCount: count) }
    }
    try space.close()
  }

  func deviceOffset(_ offset: Int) -> UInt64 {
    guard
      let region = regions.first(where: { UInt64(offset) >= $0.fileOffset && UInt64(offset) < $0.fileEnd })
    else { preconditionFailure("Offset \(offset) lies in the file.") }
    return region.deviceOffset + UInt64(offset) - region.fileOffset
  }
}

/// A database's b-tree of records, by class of byte; offsets are of the file.
private struct PageMap {
  var structure: [Int] = []
  var unused: [Int] = []
  var keys: [Int] = []
  /// Bytes of values with the key they belong to.
  var values: [(offset: Int, key: [UInt8])] = []
  var (leafCount, interiorCount, overflowCount, exactCount) = (0, 0, 0, 0)

  private let bytes: [UInt8]
  private let page: Int

  init(_ bytes: [UInt8], pageByteCount: Int, root: Int) throws {
    self.bytes = bytes
    page = pageByteCount
    try walk(root)
  }

  private func number(_ offset: Int, _ count: Int) -> Int {
    bytes[offset..<offset + count].reduce(0) { $0 << 8 | Int($1) }
  }

  private func varint(_ offset: Int) -> (value: Int, end: Int) {
    var (value, end) = (0, offset)
    repeat {
      value = value << 7 | Int(bytes[end] & 0x7f)
      end += 1
    } while bytes[end - 1] & 0x80 != 0
    return (value, end)
  }

  private mutating func walk(_ pageNumber: Int) throws {
    let base = (pageNumber - 1) * page
    let isLeaf = bytes[base] == 10
    try #require(isLeaf || bytes[base] == 2)
    // Without fragments every byte of a page has one use; a fragment could hide a cell that moved by its few bytes.
    let isExact = bytes[base + 7] == 0
    if isExact { exactCount += 1 }
    var pageStructure: [Int] = []
    defer { if isExact { structure += pageStructure } }
    var block = number(base + 1, 2)
    while block != 0 {
      pageStructure += base + block..<base + block + 4
      unused += base + block + 4..<base + block + number(base + block + 2, 2)
      block = number(base + block, 2)
    }
    let headerByteCount = isLeaf ? 8 : 12
    let cellCount = number(base + 3, 2)
    let pointersEnd = base + headerByteCount + 2 * cellCount
    pageStructure += base..<pointersEnd
    unused += pointersEnd..<base + number(base + 5, 2)
    if isLeaf { leafCount += 1 } else { interiorCount += 1 }
    for cell in 0..<cellCount {
      var offset = base + number(base + headerByteCount + 2 * cell, 2)
      if !isLeaf {
        pageStructure += offset..<offset + 4
        try walk(number(offset, 4))
        offset += 4
      }
      addPayload(offset)
    }
    if !isLeaf { try walk(number(base + 8, 4)) }
  }

  private mutating func addPayload(_ offset: Int) {
    let (payload, start) = varint(offset)
    let largest = (page - 12) * 64 / 255 - 23
    let smallest = (page - 12) * 32 / 255 - 23
    var local = payload
    if payload > largest {
      let wanted = smallest + (payload - smallest) % (page - 4)
      local = wanted <= largest ? wanted : smallest
    }
    var places = Array(start..<start + local)
    var next = payload > local ? number(start + local, 4) : 0
    if next != 0 { structure += start + local..<start + local + 4 }
    while next != 0 {
      let base = (next - 1) * page
      structure += base..<base + 4
      places += base + 4..<base + min(page, 4 + payload - places.count)
      next = number(base, 4)
      overflowCount += 1
    }
    let (headerByteCount, serial) = varint(start)
    let keyByteCount = (varint(serial).value - 12) / 2
    let keyPlaces = places[headerByteCount..<headerByteCount + keyByteCount]
    let key = keyPlaces.map { bytes[$0] }
    keys += keyPlaces
    values += places[(headerByteCount + keyByteCount)...].map { ($0, key) }
  }
}

@Suite struct SQLiteDamageTests {
  static let pageByteCount = 1_024
  static let settings: [String: ParameterValue] = ["page_bytes": .integer(pageByteCount)]
  static let codec = ValueCodec(sizes: .uniform(16...900), seed: 4)

  static func key(_ index: Int) -> [UInt8] { Array("key \(index &* 7_919 % 1_000)".utf8) }

  static func value(_ index: Int, version: UInt32) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: codec.byteCount(keyIndex: UInt64(index), version: version))
    bytes.withUnsafeMutableBytes { codec.fill(into: $0, keyIndex: UInt64(index), version: version) }
    return bytes
  }

  /// A device whose database holds 160 records of version 1 and nothing in its log; and what it holds.
  static func database() throws -> (image: MemoryDevice, contents: [[UInt8]: Int]) {
    let place = try SQLitePlace(settings)
    let engine = try place.open(creates: true)
    var contents: [[UInt8]: Int] = [:]
    for start in stride(from: 0, to: 160, by: 20) {
      var batch = WriteBatch()
      for index in start..<start + 20 {
        batch.put(key(index), value(index, version: 1))
        contents[key(index)] = index
      }
      try engine.apply(batch, sync: false)
    }
    try engine.close()
    return (try #require(place.stack.memory).clone(), contents)
  }

  /// What comes of one flipped bit.
  enum Answer: Equatable {
    /// Opening or the full check said so.
    case error
    /// The check found nothing; these keys are missing, new, or have a value that does not verify.
    case sound(wrong: Set<[UInt8]>)
    /// The check found nothing, and a read was answered with an error.
    case unreadable
  }

  static func answer(_ image: MemoryDevice, _ offset: UInt64, _ bit: Int, _ contents: [[UInt8]: Int]) throws
    -> Answer
  {
    let copy = image.clone()
    copy.flipBit(ofByteAt: offset, bit: bit)
    let place = try SQLitePlace(settings, image: copy)
    let engine: SQLiteEngine
    do throws(EngineError) {
      engine = try place.open(creates: false)
      try engine.verify()
    } catch {
      return .error
    }
    do throws(EngineError) {
      var wrong = Set(contents.keys)
      for pair in try engine.entries() {
        let key = pair.key
        let isRight =
          contents[key].map { index in
            pair.value.withUnsafeBytes { codec.verify($0.bytes, keyIndex: UInt64(index), version: 1) }
          } ?? false
        if isRight { wrong.remove(key) } else { wrong.insert(key) }
      }
      for key in contents.keys where try engine.value(for: key) == nil { wrong.insert(key) }
      return .sound(wrong: wrong)
    } catch {
      return .unreadable
    }
  }

  /// `count` of the offsets with a bit each, spread evenly, the bits by the test's stream.
  static func sample(_ offsets: [Int], _ count: Int, seed: UInt64) -> [(offset: Int, bit: Int)] {
    (0..<count).map { number in
      (offsets[number * offsets.count / count], drawn(seed, number, below: 8))
    }
  }

  @Test func everyFlipInTheDatabaseIsWhatItsPlaceSays() throws {
    let (image, contents) = try Self.database()
    let file = try FileBytes("main.db", on: image)
    let map = try PageMap(file.bytes, pageByteCount: Self.pageByteCount, root: 2)
    #expect(map.leafCount > 10 && map.interiorCount > 1 && map.overflowCount > 50 && map.exactCount > 10)
    #expect(
      map.values.count
        == contents.values.reduce(0) { $0 + Self.codec.byteCount(keyIndex: UInt64($1), version: 1) })

    func ask(_ place: (offset: Int, bit: Int)) throws -> Answer {
      try Self.answer(image, file.deviceOffset(place.offset), place.bit, contents)
    }
    for place in Self.sample(map.structure, 600, seed: 1) {
      let answer = try ask(place)
      #expect(answer == .error, "structure, byte \(place.offset), bit \(place.bit)")
    }
    for number in 0..<150 {
      let (offset, key) = map.values[number * map.values.count / 150]
      let answer = try ask((offset, drawn(2, number, below: 8)))
      #expect(answer == .sound(wrong: [key]), "value of \(key), byte \(offset)")
    }
    for place in Self.sample(map.keys, 150, seed: 3) {
      let answer = try ask(place)
      #expect(answer != .sound(wrong: []), "key, byte \(place.offset), bit \(place.bit)")
    }
    for place in Self.sample(map.unused, 60, seed: 4) {
      #expect(try ask(place) == .sound(wrong: []), "unused, byte \(place.offset), bit \(place.bit)")
    }
    for place in Self.sample(Array(0..<100), 100, seed: 5) {
      let answer = try ask(place)
      #expect(
        answer == .error || answer == .sound(wrong: []),
        "file header, byte \(place.offset), bit \(place.bit): \(answer)")
    }
  }

  @Test func everyFlipInTheLogLeavesTheCommitsBeforeIt() throws {
    let place = try SQLitePlace(Self.settings, syncEveryCommits: 1)
    let engine = try place.open(creates: true)
    var batch = WriteBatch()
    for index in 0..<40 { batch.put(Self.key(index), Self.value(index, version: 1)) }
    try engine.apply(batch, sync: true)
    try engine.settle()
    // States of the database and lengths of the log after each commit.
    var states = [try engine.entries().map { [$0.key, $0.value] }]
    var ends = [0]
    for commit in 1...12 as ClosedRange<UInt32> {
      var batch = WriteBatch()
      for step in 0..<4 {
        let index = drawn(6, Int(commit) * 4 + step, below: 60)
        batch.put(Self.key(index), Self.value(index, version: commit + 1))
      }
      batch.delete(Self.key(Int(commit)))
      try engine.apply(batch, sync: true)
      states.append(try engine.entries().map { [$0.key, $0.value] })
      let log = try #require(try engine.spaceReport().parts.first { $0.name == "log" })
      ends.append(Int(log.byteCount))
    }
    // The device as a lost process leaves it.
    let image = try #require(place.stack.memory).clone()
    let file = try FileBytes("main.db-wal", on: image)
    #expect(file.bytes.count == ends.last)
    let frameByteCount = 24 + Self.pageByteCount
    let headers =
      Array(0..<32)
      + (0..<(file.bytes.count - 32) / frameByteCount).flatMap { frame in
        32 + frame * frameByteCount..<32 + frame * frameByteCount + 24
      }
    let flips = Self.sample(headers, 200, seed: 7) + Self.sample(Array(file.bytes.indices), 300, seed: 8)
    var prefixes: Set<Int> = []
    for flip in flips {
      // The log counts up to the frame before the damaged one, and of that what is committed.
      let sound = flip.offset < 32 ? 0 : flip.offset - (flip.offset - 32) % frameByteCount
      let expected = ends.indices.last { ends[$0] <= sound } ?? 0
      let copy = image.clone()
      copy.flipBit(ofByteAt: file.deviceOffset(flip.offset), bit: flip.bit)
      let other = try SQLitePlace(Self.settings, syncEveryCommits: 1, image: copy)
      let reopened = try other.open(creates: false)
      try reopened.verify()
      let entries = try reopened.entries().map { [$0.key, $0.value] }
      #expect(entries == states[expected], "log byte \(flip.offset), bit \(flip.bit)")
      prefixes.insert(expected)
    }
    #expect(prefixes.count == states.count - 1, "every prefix but the whole was met")
  }
}
