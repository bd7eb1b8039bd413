// The bytes of the sorted file: fixed blocks of entries in key order.
//
//   payload of an entry block                         payload of a continuation block
//   offset size meaning                               offset size meaning
//      0    4   number of this block                     0    4   number of this block
//      4    4   number of its head: itself               4    4   number of its head: the block before it that
//      8    4   entries                                           holds the key
//     12    4   zero                                     8    4   0
//     16    …   entries, ascending                      12    4   zero
//      …   4·n  where each entry begins                 16    …   more bytes of the value
//
//   entry: key bytes (varint), value bytes (varint), key, value
//
// An entry that does not fit a block of its own has one all the same: its block holds what fits of the value, and
// continuation blocks the rest. Keys are at most a quarter of a block, so they are never cut.
//
//   engine root
//   offset size meaning
//      0    4   format version, 1
//      4    4   bytes of a block
//      8    8   blocks
//     16    8   entries
//     24    8   key and value bytes
//     32    4   pieces, at most 16
//     36    4   zero
//     40   12   each piece: device offset 8, blocks 4

import KeyValue
import Primitives
import Storage

/// A contiguous piece of the file.
struct FilePiece: Equatable {
  var offset: UInt64
  var blockCount: Int
}

/// A whole sorted file: what the engine root names, and what a snapshot keeps.
struct SortedFileRun: Equatable {
  static let formatVersion: UInt32 = 1
  static let maximumPieceCount = 16

  var blockByteCount: Int
  var blockCount = 0
  var entryCount: UInt64 = 0
  var logicalByteCount: UInt64 = 0
  var pieces: [FilePiece] = []

  init(blockByteCount: Int) { self.blockByteCount = blockByteCount }

  /// Where a block lies.
  func extent(ofBlock number: Int) -> Extent {
    var first = 0
    for piece in pieces {
      if number < first + piece.blockCount {
        let offset = piece.offset + UInt64((number - first) * blockByteCount)
        return Extent(offset: offset, byteCount: blockByteCount)
      }
      first += piece.blockCount
    }
    preconditionFailure("Block \(number) is one of the file's \(blockCount).")
  }

  var byteCount: Int { blockCount * blockByteCount }

  func encoded() -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: 40 + 12 * pieces.count)
    bytes.withUnsafeMutableBytes { buffer in
      guard let base = buffer.baseAddress else { return }
      base.setU32(0, Self.formatVersion)
      base.setU32(4, UInt32(blockByteCount))
      base.setU64(8, UInt64(blockCount))
      base.setU64(16, entryCount)
      base.setU64(24, logicalByteCount)
      base.setU32(32, UInt32(pieces.count))
      for (index, piece) in pieces.enumerated() {
        base.setU64(40 + 12 * index, piece.offset)
        base.setU32(48 + 12 * index, UInt32(piece.blockCount))
      }
    }
    return bytes
  }

  /// The run that `bytes` name, for a device of `capacityByteCount`; no bytes at all are an empty file.
  init(
    decoding bytes: [UInt8], blockByteCount: Int, transferUnitByteCount: Int, capacityByteCount: UInt64
  ) throws(StorageError) {
    self.init(blockByteCount: blockByteCount)
    if bytes.isEmpty { return }
    func bad(_ detail: String) -> StorageError {
      .corrupted(structure: "sorted file root", offset: 0, detail: detail)
    }
    guard bytes.count >= 40 else { throw bad("it has \(bytes.count) bytes") }
    let image = bytes.withUnsafeBytes { buffer in
      (
        version: buffer.loadUnaligned(fromByteOffset: 0, as: UInt32.self).littleEndian,
        blockByteCount: buffer.loadUnaligned(fromByteOffset: 4, as: UInt32.self).littleEndian,
        blockCount: buffer.loadUnaligned(fromByteOffset: 8, as: UInt64.self).littleEndian,
        pieceCount: buffer.loadUnaligned(fromByteOffset: 32, as: UInt32.self).littleEndian
      )
    }
    guard image.version == Self.formatVersion else {
      throw bad("format version \(image.version) is not \(Self.formatVersion)")
    }
    guard Int(image.blockByteCount) == blockByteCount else {
      throw bad("its blocks have \(image.blockByteCount) bytes, the parameter says \(blockByteCount)")
    }
    guard image.blockCount <= capacityByteCount / UInt64(blockByteCount),
      Int(image.pieceCount) <= Self.maximumPieceCount, bytes.count == 40 + 12 * Int(image.pieceCount)
    else { throw bad("its numbers are impossible") }
    blockCount = Int(image.blockCount)
    bytes.withUnsafeBytes { buffer in
      entryCount = buffer.loadUnaligned(fromByteOffset: 16, as: UInt64.self).littleEndian
      logicalByteCount = buffer.loadUnaligned(fromByteOffset: 24, as: UInt64.self).littleEndian
      for index in 0..<Int(image.pieceCount) {
        let offset = buffer.loadUnaligned(fromByteOffset: 40 + 12 * index, as: UInt64.self).littleEndian
        let count = buffer.loadUnaligned(fromByteOffset: 48 + 12 * index, as: UInt32.self).littleEndian
        pieces.append(FilePiece(offset: offset, blockCount: Int(count)))
      }
    }
    var total = 0
    for piece in pieces {
      let byteCount = UInt64(piece.blockCount) * UInt64(blockByteCount)
      guard piece.offset % UInt64(transferUnitByteCount) == 0,
        piece.offset >= UInt64(2 * transferUnitByteCount), piece.offset < capacityByteCount,
        piece.blockCount > 0, byteCount <= capacityByteCount - piece.offset
      else { throw bad("a piece of \(piece.blockCount) blocks at \(piece.offset) lies outside the device") }
      total += piece.blockCount
    }
    guard total == blockCount else { throw bad("its pieces have \(total) blocks, the file \(blockCount)") }
  }
}

/// A verified block of the file, with its entries within reach. All places were checked when it was made.
struct SortedFileBlock {
  static let headerByteCount = 16
  static let type = BlockType.engine(0)

  let block: VolumeBlock
  let number: Int
  /// The block that holds this one's key; itself unless it is a continuation.
  let head: Int
  let entryCount: Int
  private let offsetsStart: Int

  /// - Throws: `.corrupted` when the payload cannot be what was written as block `number`.
  init(_ block: VolumeBlock, number: Int, offset: UInt64) throws(StorageError) {
    func bad(_ detail: String) -> StorageError {
      .corrupted(structure: "sorted file block", offset: offset, detail: detail)
    }
    let payload = block.payload
    guard payload.count >= Self.headerByteCount, let base = payload.baseAddress else {
      throw bad("its payload has \(payload.count) bytes")
    }
    guard base.u32(0) == UInt32(truncatingIfNeeded: number) else {
      throw bad("it says it is block \(base.u32(0)), not \(number)")
    }
    let head = Int(base.u32(4))
    let entryCount = Int(base.u32(8))
    let offsetsStart = payload.count - 4 * entryCount
    guard head <= number, (head == number) == (entryCount > 0), offsetsStart >= Self.headerByteCount else {
      throw bad("its head is block \(head), its entries are \(entryCount)")
    }
    self.block = block
    self.number = number
    self.head = head
    self.entryCount = entryCount
    self.offsetsStart = offsetsStart
    for index in 0..<entryCount {
      guard let place = place(index) else { throw bad("entry \(index) lies outside it") }
      guard place.missingByteCount == 0 || entryCount == 1 else { throw bad("entry \(index) is cut") }
    }
  }

  var isContinuation: Bool { head != number }

  /// The value bytes of a continuation block.
  var continuation: UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: block.payload[Self.headerByteCount...])
  }

  /// Where an entry's fields are.
  private func place(_ index: Int) -> (key: Range<Int>, value: Range<Int>, missingByteCount: Int)? {
    let payload = block.payload
    guard let base = payload.baseAddress else { return nil }
    let start = Int(base.u32(offsetsStart + 4 * index))
    guard start >= Self.headerByteCount, start < offsetsStart else { return nil }
    let all = UnsafeRawBufferPointer(start: base, count: offsetsStart)
    guard let key = Varint.decode(all, at: start),
      let value = Varint.decode(all, at: start + key.byteCount), value.value < 1 << 40
    else { return nil }
    let keyStart = start + key.byteCount + value.byteCount
    guard key.value <= UInt64(offsetsStart - keyStart) else { return nil }
    let valueStart = keyStart + Int(key.value)
    let here = min(Int(value.value), offsetsStart - valueStart)
    return (keyStart..<valueStart, valueStart..<(valueStart + here), Int(value.value) - here)
  }

  /// The key of an entry, borrowed from the block.
  func key(_ index: Int) -> UnsafeRawBufferPointer {
    guard let place = place(index) else { preconditionFailure("An entry's place was checked.") }
    return UnsafeRawBufferPointer(rebasing: block.payload[place.key])
  }

  /// What this block holds of an entry's value, and how many bytes follow in continuation blocks.
  func value(_ index: Int) -> (bytes: UnsafeRawBufferPointer, missingByteCount: Int) {
    guard let place = place(index) else { preconditionFailure("An entry's place was checked.") }
    return (UnsafeRawBufferPointer(rebasing: block.payload[place.value]), place.missingByteCount)
  }

  /// The first entry whose key is not before `key`; `entryCount` when there is none. Adds the keys compared to
  /// `inspected`.
  func firstIndex(atOrAfter key: UnsafeRawBufferPointer, inspected: inout UInt64) -> Int {
    var low = 0
    var high = entryCount
    while low < high {
      let middle = (low + high) / 2
      inspected += 1
      if compareKeys(self.key(middle), key) < 0 { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
