// Writes operations in the format of `RecordedStreamFormat`, in memory.
//
// Invariants
// 1. The bytes are a function of description, sections and operations: the same stream, the same file.
// 2. Operations come with the versions that their place gives them; anything else is refused.

import KeyValue
import Primitives

/// Collects a recorded stream.
public struct StreamRecorder: ~Copyable {
  private var bytes: [UInt8]
  private var block: [UInt8] = []
  private var blockEventCount: UInt32 = 0
  private var blockNumber: UInt32 = 0
  private var context = RecordedStreamFormat.Context(StreamPosition())
  private var hash = StreamHash()
  private var sectionOperationCount: UInt64 = 0
  private var operationCount: UInt64 = 0
  private var sectionCount: UInt64 = 0
  private var isInSection = false

  /// An empty stream.
  public init(description: LabelledText) {
    let text = description.bytes
    bytes = RecordedStreamFormat.magic
    Self.append(RecordedStreamFormat.version, to: &bytes)
    Self.append(UInt32(text.count), to: &bytes)
    let seed = bytes.withUnsafeBytes { CRC32C.of($0) }
    Self.append(text.withUnsafeBytes { CRC32C.of($0, seed: seed) }, to: &bytes)
    bytes += text
    block.reserveCapacity(RecordedStreamFormat.blockByteCount + 1_024)
  }

  /// Begins a section.
  ///
  /// - Parameters:
  ///   - name: the phase's name, unique in the stream, at most 256 bytes of UTF-8.
  ///   - kind: the kind of phase.
  ///   - position: where the run stands.
  public mutating func beginSection(
    name: String, kind: String, scanOrder: ScanOrder, position: StreamPosition
  ) {
    precondition(!isInSection, "A section ends before the next begins.")
    isInSection = true
    context = RecordedStreamFormat.Context(position)
    hash = StreamHash()
    sectionOperationCount = 0
    sectionCount += 1
    block.append(RecordedStreamFormat.sectionBegins)
    for text in [name, kind] {
      let utf8 = Array(text.utf8)
      precondition(utf8.count <= RecordedStreamFormat.longestNameByteCount, "A phase has a name, not a text.")
      Self.appendVarint(UInt64(utf8.count), to: &block)
      block += utf8
    }
    block.append(scanOrder == .forward ? 0 : 1)
    Self.appendVarint(position.nextKeyIndex, to: &block)
    Self.appendVarint(UInt64(position.nextVersion), to: &block)
    endEvent()
  }

  /// Adds an operation to the section.
  public mutating func append(_ operation: Operation) {
    precondition(isInSection, "An operation belongs to a section.")
    precondition(
      operation.version == (operation.kind.isWrite ? context.nextVersion : 0),
      "An operation's version is its place in the run.")
    let mode: RecordedStreamFormat.KeyMode
    if operation.keyIndex == context.lastKeyIndex {
      mode = .same
    } else if operation.keyIndex == context.nextPutIndex {
      mode = .nextPut
    } else if operation.keyIndex == context.lastKeyIndex &+ 1 {
      mode = .next
    } else {
      mode = .written
    }
    let kind = operation.kind
    var first = kind.rawValue | mode.rawValue << RecordedStreamFormat.keyShift
    let writesLength = kind.recordsLength && context.lengths[Int(kind.rawValue)] != operation.length
    if kind.recordsLength && !writesLength { first |= RecordedStreamFormat.sameLengthFlag }
    block.append(first)
    if mode == .written { Self.appendVarint(operation.keyIndex, to: &block) }
    if writesLength { Self.appendVarint(UInt64(operation.length), to: &block) }
    switch kind {
    case .upsertAdd, .rangeDelete: Self.append(operation.detail, to: &block)
    case .upsertPatch: Self.appendVarint(operation.detail, to: &block)
    default: break
    }
    context.passed(operation)
    hash.add(operation)
    sectionOperationCount += 1
    endEvent()
  }

  /// Ends the section.
  public mutating func endSection() {
    precondition(isInSection, "A section that ends has begun.")
    isInSection = false
    operationCount += sectionOperationCount
    block.append(RecordedStreamFormat.sectionEnds)
    Self.appendVarint(sectionOperationCount, to: &block)
    Self.append(hash.value, to: &block)
    endEvent()
  }

  /// Ends the stream.
  ///
  /// - Returns: the bytes of the file.
  public consuming func finish() -> [UInt8] {
    precondition(!isInSection, "A section ends before the stream does.")
    block.append(RecordedStreamFormat.end)
    Self.appendVarint(sectionCount, to: &block)
    Self.appendVarint(operationCount, to: &block)
    blockEventCount += 1
    closeBlock()
    return bytes
  }

  private mutating func endEvent() {
    blockEventCount += 1
    if block.count >= RecordedStreamFormat.blockByteCount { closeBlock() }
  }

  private mutating func closeBlock() {
    var header: [UInt8] = []
    Self.append(UInt32(block.count), to: &header)
    Self.append(blockEventCount, to: &header)
    Self.append(blockNumber, to: &header)
    let seed = header.withUnsafeBytes { CRC32C.of($0) }
    Self.append(block.withUnsafeBytes { CRC32C.of($0, seed: seed) }, to: &header)
    bytes += header
    bytes += block
    block.removeAll(keepingCapacity: true)
    blockEventCount = 0
    blockNumber += 1
  }

  private static func append<Word: FixedWidthInteger>(_ value: Word, to bytes: inout [UInt8]) {
    for byte in 0..<(Word.bitWidth / 8) { bytes.append(UInt8(truncatingIfNeeded: value >> Word(8 * byte))) }
  }

  private static func appendVarint(_ value: UInt64, to bytes: inout [UInt8]) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(truncatingIfNeeded: rest))
  }
}
