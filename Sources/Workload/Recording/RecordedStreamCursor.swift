// Walks through the events of a recorded stream, block by block. While a stream is validated every step may find bad
// bytes; afterwards the same steps find the same events.

import KeyValue
import Primitives

/// A place in a recorded stream. A value: a copy walks on its own.
struct RecordedStreamCursor: Sendable {
  /// One event.
  enum Event {
    case operation(Operation)
    case sectionBegins(RecordedStream.Section)
    case sectionEnds(operationCount: UInt64, hash: UInt64)
    case end(sectionCount: UInt64, operationCount: UInt64)
  }

  private(set) var description = LabelledText()
  private var position = 0
  private var blockEnd = 0
  private var eventsLeft: UInt32 = 0
  private var blockNumber: UInt32 = 0
  private var context = RecordedStreamFormat.Context(StreamPosition())

  /// Reads the header.
  init(headerOf bytes: [UInt8]) throws(StorageError) {
    let fixed = RecordedStreamFormat.headerByteCount
    guard bytes.count >= fixed else { throw corrupted("the file is cut off") }
    guard Array(bytes.prefix(8)) == RecordedStreamFormat.magic else {
      throw corrupted("the file does not begin with BETULAOP")
    }
    let version = Self.word(bytes, 8)
    guard version == RecordedStreamFormat.version else {
      position = 8
      throw corrupted(
        "version \(version) is not \(RecordedStreamFormat.version), the one this program reads")
    }
    let textByteCount = Int(Self.word(bytes, 12))
    guard textByteCount <= LabelledText.maximumByteCount, bytes.count - fixed >= textByteCount else {
      position = 12
      throw corrupted("a description of \(textByteCount) bytes")
    }
    let checksum = bytes.withUnsafeBytes { buffer in
      let seed = CRC32C.of(UnsafeRawBufferPointer(rebasing: buffer[0..<16]))
      return CRC32C.of(UnsafeRawBufferPointer(rebasing: buffer[fixed..<(fixed + textByteCount)]), seed: seed)
    }
    position = 16
    guard Self.word(bytes, 16) == checksum else { throw corrupted("the header's checksum") }
    position = fixed
    guard let text = LabelledText(bytes: bytes[fixed..<(fixed + textByteCount)]) else {
      throw corrupted("a description that is not lines of names and values")
    }
    description = text
    position = fixed + textByteCount
    blockEnd = position
  }

  /// An error at this place.
  func corrupted(_ detail: String) -> StorageError {
    .corrupted(structure: "operation stream", offset: UInt64(position), detail: detail)
  }

  private static func word(_ bytes: [UInt8], _ offset: Int) -> UInt32 {
    UInt32(bytes[offset]) | UInt32(bytes[offset + 1]) << 8 | UInt32(bytes[offset + 2]) << 16
      | UInt32(bytes[offset + 3]) << 24
  }

  /// The next operation of a section that has been validated and has one left.
  mutating func nextValidated(_ bytes: [UInt8]) -> Operation {
    do throws(StorageError) {
      if case .operation(let operation) = try next(bytes) { return operation }
    } catch {
      preconditionFailure("A stream that was validated has changed: \(error)")
    }
    preconditionFailure("A section that was validated has as many operations as it said.")
  }

  /// The next event; a stream ends with `.end`.
  mutating func next(_ bytes: [UInt8]) throws(StorageError) -> Event {
    if eventsLeft == 0 { try openBlock(bytes) }
    eventsLeft -= 1
    let first = try byte(bytes)
    let event: Event
    switch first & RecordedStreamFormat.kindMask {
    case RecordedStreamFormat.sectionBegins where first == RecordedStreamFormat.sectionBegins:
      event = .sectionBegins(try section(bytes))
    case RecordedStreamFormat.sectionEnds where first == RecordedStreamFormat.sectionEnds:
      let count = try varint(bytes)
      event = .sectionEnds(operationCount: count, hash: try word64(bytes))
    case RecordedStreamFormat.end where first == RecordedStreamFormat.end:
      let sections = try varint(bytes)
      event = .end(sectionCount: sections, operationCount: try varint(bytes))
      guard eventsLeft == 0, position == bytes.count else { throw corrupted("something follows the end") }
    default: event = .operation(try operation(bytes, first))
    }
    if eventsLeft == 0 && position != blockEnd { throw corrupted("bytes after the block's last event") }
    return event
  }

  private mutating func openBlock(_ bytes: [UInt8]) throws(StorageError) {
    let fixed = RecordedStreamFormat.blockHeaderByteCount
    guard bytes.count - position >= fixed else { throw corrupted("the stream is cut off") }
    let byteCount = Int(Self.word(bytes, position))
    guard byteCount >= 1, byteCount <= RecordedStreamFormat.largestPayloadByteCount else {
      throw corrupted("a block of \(byteCount) bytes")
    }
    let events = Self.word(bytes, position + 4)
    guard events >= 1, Int(events) <= byteCount, Self.word(bytes, position + 8) == blockNumber else {
      throw corrupted("an impossible block header")
    }
    let start = position + fixed
    guard bytes.count - start >= byteCount else { throw corrupted("the stream is cut off") }
    let header = position
    let checksum = bytes.withUnsafeBytes { buffer in
      let seed = CRC32C.of(UnsafeRawBufferPointer(rebasing: buffer[header..<(header + 12)]))
      return CRC32C.of(UnsafeRawBufferPointer(rebasing: buffer[start..<(start + byteCount)]), seed: seed)
    }
    guard checksum == Self.word(bytes, header + 12) else {
      throw corrupted("the checksum of block \(blockNumber)")
    }
    position = start
    blockEnd = start + byteCount
    eventsLeft = events
    blockNumber &+= 1
  }

  @inline(__always) private mutating func byte(_ bytes: [UInt8]) throws(StorageError) -> UInt8 {
    guard position < blockEnd else { throw corrupted("an event is cut off") }
    position += 1
    return bytes[position - 1]
  }

  @inline(__always) private mutating func varint(_ bytes: [UInt8]) throws(StorageError) -> UInt64 {
    if position < blockEnd, bytes[position] < 0x80 {
      position += 1
      return UInt64(bytes[position - 1])
    }
    let (start, end) = (position, blockEnd)
    let decoded = bytes.withUnsafeBytes { buffer in
      Varint.decode(UnsafeRawBufferPointer(rebasing: buffer[start..<end]))
    }
    guard let decoded else { throw corrupted("a number is cut off or too long") }
    position += decoded.byteCount
    return decoded.value
  }

  private mutating func word64(_ bytes: [UInt8]) throws(StorageError) -> UInt64 {
    guard blockEnd - position >= 8 else { throw corrupted("an event is cut off") }
    var value: UInt64 = 0
    for place in 0..<8 { value |= UInt64(bytes[position + place]) << UInt64(8 * place) }
    position += 8
    return value
  }

  private mutating func text(_ bytes: [UInt8]) throws(StorageError) -> String {
    let count = try varint(bytes)
    guard count <= UInt64(RecordedStreamFormat.longestNameByteCount), Int(count) <= blockEnd - position,
      let text = String(validating: bytes[position..<(position + Int(count))], as: UTF8.self)
    else { throw corrupted("a name is cut off, too long, or not UTF-8") }
    position += Int(count)
    return text
  }

  private mutating func section(_ bytes: [UInt8]) throws(StorageError) -> RecordedStream.Section {
    let name = try text(bytes)
    let kind = try text(bytes)
    let order = try byte(bytes)
    let nextKeyIndex = try varint(bytes)
    let nextVersion = try varint(bytes)
    guard order <= 1, nextKeyIndex <= KeyCodec.maximumIndex, nextVersion >= 1,
      nextVersion <= UInt64(OperationStream.maximumVersion)
    else { throw corrupted("an impossible beginning of a section") }
    let start = StreamPosition(nextKeyIndex: nextKeyIndex, nextVersion: UInt32(nextVersion))
    context = RecordedStreamFormat.Context(start)
    return RecordedStream.Section(
      name: name, kind: kind, scanOrder: order == 0 ? .forward : .reverse, start: start, end: start,
      operationCount: 0, hash: StreamHash(),
      kindCounts: Array(repeating: 0, count: StreamOperation.allCases.count), cursor: self)
  }

  @inline(__always) private mutating func operation(
    _ bytes: [UInt8], _ first: UInt8
  ) throws(StorageError) -> Operation {
    guard first & RecordedStreamFormat.unusedFlag == 0,
      let kind = StreamOperation(rawValue: first & RecordedStreamFormat.kindMask),
      let mode = RecordedStreamFormat.KeyMode(rawValue: first >> RecordedStreamFormat.keyShift & 3)
    else { throw corrupted("an unknown event") }
    guard context.nextVersion < OperationStream.maximumVersion else {
      throw corrupted("more operations than versions")
    }
    var operation = Operation(kind: kind)
    switch mode {
    case .written: operation.keyIndex = try varint(bytes)
    case .next: operation.keyIndex = context.lastKeyIndex &+ 1
    case .nextPut: operation.keyIndex = context.nextPutIndex
    case .same: operation.keyIndex = context.lastKeyIndex
    }
    guard operation.keyIndex < KeyCodec.maximumIndex else { throw corrupted("an impossible key index") }
    if kind.isWrite { operation.version = context.nextVersion }
    var length = kind == .upsertAdd ? 8 : UInt64(0)
    let isSameLength = first & RecordedStreamFormat.sameLengthFlag != 0
    if kind.recordsLength {
      length = isSameLength ? UInt64(context.lengths[Int(kind.rawValue)]) : try varint(bytes)
    } else if isSameLength {
      throw corrupted("a length where there is none")
    }
    guard kind.lengthRange.contains(length) else { throw corrupted("an impossible length") }
    operation.length = UInt32(length)
    switch kind {
    case .upsertAdd, .rangeDelete: operation.detail = try word64(bytes)
    case .upsertPatch:
      operation.detail = try varint(bytes)
      guard operation.detail <= 1 << 30 else { throw corrupted("an impossible place of a patch") }
    default: break
    }
    context.passed(operation)
    return operation
  }
}
