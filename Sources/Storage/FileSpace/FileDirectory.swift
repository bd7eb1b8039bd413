// The file space's directory: names, sizes and regions, in two slots that are written in turn.
//
//   device   │ slot 0 (even generations) │ slot 1 (odd generations) │ chunk 0 │ chunk 1 │ …
//
//   slot     │ sector │ sector │ sector … each 512 bytes
//   sector   offset  size  meaning
//                 0     8  generation
//                 8     4  CRC-32C of generation, slot and sector number, and payload
//                12   500  payload
//
//   image    (the payloads in a row)
//            offset  size  meaning
//                 0     8  "BetulaFS"
//                 8     4  version, 1
//                12     4  transfer unit in bytes
//                16     8  chunk in bytes
//                24     8  capacity of the device in bytes
//                32     4  bytes of the image
//                36     4  next file id
//                40     4  files
//                44     4  CRC-32C of the image with this field zero: sectors of two attempts at the same
//                          generation, each whole, do not pass for one directory
//                48        per file: id 4 │ name bytes 2 │ zero 2 │ regions 4 │ size 8 │ name │
//                          per region: first chunk 4 │ chunks 4
//   All integers are little-endian; the rest of the last unit is zero.
//
// Invariants
// 1. Only the units an image needs are written, so a small directory costs one unit.
// 2. A write that a crash cut short leaves whole sectors of either generation (a sector of 512 bytes is the
//    smallest thing a device writes at once); the other slot then holds the newest complete directory.
// 3. A sector that is neither zero nor right, or a missing predecessor, is damage and not a crash: `.corrupted`.

import Accounting
import Primitives

/// What the directory says; a value between the file space and its bytes.
struct FileDirectory: Equatable {
  struct Entry: Equatable {
    var id: UInt32
    var name: String
    var byteCount: UInt64
    /// Runs of chunks.
    var regions: [ClosedChunkRun]
  }

  struct ClosedChunkRun: Equatable {
    var start: UInt32
    var count: UInt32
  }

  static let sectorByteCount = 512
  static let sectorHeadByteCount = 12
  static let payloadByteCount = sectorByteCount - sectorHeadByteCount
  static let headByteCount = 48
  static let entryHeadByteCount = 20
  static let regionByteCount = 8
  static let version: UInt32 = 1
  /// "BetulaFS", little-endian.
  static let magic: UInt64 = 0x5346_616C_7574_6542

  var transferUnitByteCount: UInt32
  var chunkByteCount: UInt64
  var capacityByteCount: UInt64
  var nextFileID: UInt32
  var entries: [Entry]

  /// The bytes of the image.
  var imageByteCount: Int {
    entries.reduce(Self.headByteCount) { sum, entry in
      sum + Self.entryHeadByteCount + entry.name.utf8.count + entry.regions.count * Self.regionByteCount
    }
  }

  /// Writes the image as sectors of `generation` into `slot`, which is zero.
  ///
  /// - Returns: the bytes used, whole sectors.
  func encode(generation: UInt64, into slot: UnsafeMutableRawBufferPointer) -> Int {
    var image: [UInt8] = []
    let total = imageByteCount
    image.reserveCapacity(total)
    func put<T: FixedWidthInteger>(_ value: T) {
      withUnsafeBytes(of: value.littleEndian) { image.append(contentsOf: $0) }
    }
    put(Self.magic)
    put(Self.version)
    put(transferUnitByteCount)
    put(chunkByteCount)
    put(capacityByteCount)
    put(UInt32(total))
    put(nextFileID)
    put(UInt32(entries.count))
    put(UInt32(0))
    for entry in entries {
      put(entry.id)
      put(UInt16(entry.name.utf8.count))
      put(UInt16(0))
      put(UInt32(entry.regions.count))
      put(entry.byteCount)
      image.append(contentsOf: entry.name.utf8)
      for region in entry.regions {
        put(region.start)
        put(region.count)
      }
    }
    let sectorCount = (total + Self.payloadByteCount - 1) / Self.payloadByteCount
    precondition(sectorCount * Self.sectorByteCount <= slot.count, "A directory fits its slot.")
    let imageChecksum = image.withUnsafeBytes { CRC32C.of($0) }
    withUnsafeBytes(of: imageChecksum.littleEndian) { image.replaceSubrange(44..<48, with: $0) }
    for sector in 0..<sectorCount {
      let first = sector * Self.payloadByteCount
      let base = sector * Self.sectorByteCount
      let part = image[first..<min(total, first + Self.payloadByteCount)]
      slot.storeBytes(of: generation.littleEndian, toByteOffset: base, as: UInt64.self)
      UnsafeMutableRawBufferPointer(rebasing: slot[(base + Self.sectorHeadByteCount)...]).copyBytes(
        from: part)
      let crc = Self.checksum(
        UnsafeRawBufferPointer(rebasing: slot[base..<(base + Self.sectorByteCount)]), slot: generation & 1,
        sector: sector)
      slot.storeBytes(of: crc.littleEndian, toByteOffset: base + 8, as: UInt32.self)
    }
    return sectorCount * Self.sectorByteCount
  }

  private static func checksum(_ sector: UnsafeRawBufferPointer, slot: UInt64, sector number: Int) -> UInt32 {
    let place = (slot << 32 | UInt64(number)).littleEndian
    var crc = withUnsafeBytes(of: place) { CRC32C.of($0) }
    crc = CRC32C.of(UnsafeRawBufferPointer(rebasing: sector[..<8]), seed: crc)
    return CRC32C.of(UnsafeRawBufferPointer(rebasing: sector[sectorHeadByteCount...]), seed: crc)
  }

  /// What one slot holds.
  enum Slot {
    /// Never written.
    case empty
    /// A directory whose writing a crash cut short; the newest generation seen in it.
    case unfinished(newest: UInt64)
    case complete(generation: UInt64, image: [UInt8])
  }

  /// Reads one slot.
  ///
  /// - Throws: `.corrupted` for a sector that no write of ours can have left.
  static func read(
    _ bytes: UnsafeRawBufferPointer, slot: UInt64, deviceOffset: UInt64
  ) throws(StorageError) -> Slot {
    var generations: [UInt64] = []
    for sector in 0..<(bytes.count / sectorByteCount) {
      let base = sector * sectorByteCount
      let part = UnsafeRawBufferPointer(rebasing: bytes[base..<(base + sectorByteCount)])
      if part.allSatisfy({ $0 == 0 }) {
        generations.append(0)
        continue
      }
      let generation = UInt64(littleEndian: part.loadUnaligned(as: UInt64.self))
      let crc = UInt32(littleEndian: part.loadUnaligned(fromByteOffset: 8, as: UInt32.self))
      guard crc == checksum(part, slot: slot, sector: sector), generation > 0, generation & 1 == slot else {
        throw .corrupted(
          structure: "file directory", offset: deviceOffset + UInt64(base),
          detail: "a sector's checksum is wrong")
      }
      generations.append(generation)
    }
    guard let newest = generations.max(), newest > 0 else { return .empty }
    guard generations[0] == newest else { return .unfinished(newest: newest) }
    let claimed = Int(
      UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: sectorHeadByteCount + 32, as: UInt32.self)))
    let sectorCount = (claimed + payloadByteCount - 1) / payloadByteCount
    guard claimed >= headByteCount, sectorCount <= generations.count else {
      throw .corrupted(
        structure: "file directory", offset: deviceOffset, detail: "an image of \(claimed) bytes")
    }
    guard generations[..<sectorCount].allSatisfy({ $0 == newest }) else { return .unfinished(newest: newest) }
    var image: [UInt8] = []
    for sector in 0..<sectorCount {
      let start = sector * sectorByteCount + sectorHeadByteCount
      image.append(contentsOf: bytes[start..<(start + min(payloadByteCount, claimed - image.count))])
    }
    let stored = image[44..<48]
    var unsealed = image
    unsealed.replaceSubrange(44..<48, with: [0, 0, 0, 0])
    let crc = unsealed.withUnsafeBytes { CRC32C.of($0) }
    guard withUnsafeBytes(of: crc.littleEndian, { $0.elementsEqual(stored) }) else {
      return .unfinished(newest: newest)
    }
    return .complete(generation: newest, image: image)
  }

  /// The newest complete directory of the two slots.
  ///
  /// - Throws: `.corrupted`.
  static func newest(
    _ slots: [UnsafeRawBufferPointer], slotByteCount: Int
  ) throws(StorageError) -> (generation: UInt64, directory: FileDirectory) {
    var complete: [(generation: UInt64, image: [UInt8])] = []
    var others: [UInt64] = []
    for (number, bytes) in slots.enumerated() {
      switch try read(bytes, slot: UInt64(number), deviceOffset: UInt64(number * slotByteCount)) {
      case .empty: others.append(0)
      case .unfinished(let newest): others.append(newest)
      case .complete(let generation, let image): complete.append((generation, image))
      }
    }
    guard let best = complete.max(by: { $0.generation < $1.generation }) else {
      throw .corrupted(
        structure: "file directory", offset: 0, detail: "neither slot holds a complete directory")
    }
    let other = complete.first { $0.generation != best.generation }?.generation ?? others.first ?? 0
    // Beside generation g the other slot holds g − 1, or g + 1 unfinished (of which nothing may have arrived yet),
    // or nothing when g is the first.
    let isExpected = other &+ 1 == best.generation || other == best.generation &+ 1
    guard isExpected else {
      throw .corrupted(
        structure: "file directory", offset: 0,
        detail: "generation \(best.generation) stands beside generation \(other)")
    }
    return (best.generation, try decode(best.image))
  }

  /// Reads an image whose checksums were right; still, every field is checked.
  static func decode(_ image: [UInt8]) throws(StorageError) -> FileDirectory {
    func corrupted(_ detail: String) -> StorageError {
      .corrupted(structure: "file directory", offset: 0, detail: detail)
    }
    var position = 0
    func get<T: FixedWidthInteger>(_ type: T.Type) throws(StorageError) -> T {
      let size = MemoryLayout<T>.size
      guard position + size <= image.count else { throw corrupted("it ends too early") }
      let value = image.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: position, as: T.self) }
      position += size
      return T(littleEndian: value)
    }
    guard try get(UInt64.self) == magic else { throw corrupted("not a file space") }
    let foundVersion = try get(UInt32.self)
    guard foundVersion == version else { throw corrupted("version \(foundVersion)") }
    let unit = try get(UInt32.self)
    let chunk = try get(UInt64.self)
    let capacity = try get(UInt64.self)
    _ = try get(UInt32.self)
    let nextFileID = try get(UInt32.self)
    let fileCount = try get(UInt32.self)
    _ = try get(UInt32.self)
    var entries: [Entry] = []
    for _ in 0..<fileCount {
      let id = try get(UInt32.self)
      let nameByteCount = Int(try get(UInt16.self))
      _ = try get(UInt16.self)
      let regionCount = try get(UInt32.self)
      let byteCount = try get(UInt64.self)
      guard position + nameByteCount <= image.count else { throw corrupted("a name ends too late") }
      guard let name = String(validating: image[position..<(position + nameByteCount)], as: UTF8.self) else {
        throw corrupted("a name is not text")
      }
      position += nameByteCount
      guard id < nextFileID, !entries.contains(where: { $0.id == id || $0.name == name }) else {
        throw corrupted("file \(id) is named twice or from the future")
      }
      var regions: [ClosedChunkRun] = []
      for _ in 0..<regionCount {
        let start = try get(UInt32.self)
        regions.append(ClosedChunkRun(start: start, count: try get(UInt32.self)))
      }
      entries.append(Entry(id: id, name: name, byteCount: byteCount, regions: regions))
    }
    guard position == image.count else { throw corrupted("bytes after the last file") }
    return FileDirectory(
      transferUnitByteCount: unit, chunkByteCount: chunk, capacityByteCount: capacity, nextFileID: nextFileID,
      entries: entries)
  }
}
