// Reads a trace back, block by block, trusting nothing: any bytes give events or `.corrupted`, never a trap.

import Accounting
import Primitives

/// The events of a trace in order.
public struct TraceReader {
  /// The traced device's transfer unit, in bytes.
  public let transferUnitByteCount: Int
  /// The traced device's capacity, in bytes.
  public let capacityByteCount: UInt64

  private enum Source {
    case bytes([UInt8])
    case file(SystemFile, byteCount: UInt64)
  }

  private let source: Source
  private var position: UInt64
  private var block: [UInt8] = []
  private var blockPosition = 0
  private var blockStart: UInt64 = 0
  private var eventsLeft: UInt32 = 0
  private var blockNumber: UInt32 = 0
  private var context = TraceFormat.Context()
  private var eventCount: UInt64 = 0
  private var transferCount: UInt64 = 0
  private var isAtEnd = false

  /// A reader of a trace in memory.
  ///
  /// - Throws: `.corrupted` when the header is not a trace's.
  public init(bytes: [UInt8]) throws(StorageError) { try self.init(source: .bytes(bytes)) }

  /// A reader of a trace in a file.
  ///
  /// - Throws: `.deviceFailed`, or `.corrupted` when the header is not a trace's.
  public init(path: String) throws(StorageError) {
    let file = try SystemFile(path: path, flags: 0)
    try self.init(source: .file(file, byteCount: try file.byteCount()))
  }

  private init(source: Source) throws(StorageError) {
    self.source = source
    let header = try Self.read(source, at: 0, byteCount: TraceFormat.headerByteCount)
    guard Array(header.prefix(8)) == TraceFormat.magic else {
      throw Self.corrupted(0, "the file does not begin with BETULATR")
    }
    guard Self.word(header, 8) == TraceFormat.version else {
      throw Self.corrupted(8, "version \(Self.word(header, 8)) is not \(TraceFormat.version)")
    }
    let checksum = header.withUnsafeBytes { CRC32C.of(UnsafeRawBufferPointer(rebasing: $0[0..<28])) }
    guard Self.word(header, 28) == checksum else { throw Self.corrupted(28, "the header's checksum") }
    let unit = Self.word(header, 12)
    guard unit >= 1 && unit <= 1 << 30 && Self.word(header, 24) == 0 else {
      throw Self.corrupted(12, "an impossible header field")
    }
    transferUnitByteCount = Int(unit)
    capacityByteCount = UInt64(Self.word(header, 16)) | UInt64(Self.word(header, 20)) << 32
    position = UInt64(TraceFormat.headerByteCount)
  }

  private static func corrupted(_ offset: UInt64, _ detail: String) -> StorageError {
    .corrupted(structure: "trace", offset: offset, detail: detail)
  }

  private static func word(_ bytes: [UInt8], _ offset: Int) -> UInt32 {
    UInt32(bytes[offset]) | UInt32(bytes[offset + 1]) << 8 | UInt32(bytes[offset + 2]) << 16
      | UInt32(bytes[offset + 3]) << 24
  }

  private static func read(
    _ source: Source, at offset: UInt64, byteCount: Int
  ) throws(StorageError) -> [UInt8] {
    switch source {
    case .bytes(let bytes):
      guard offset <= UInt64(bytes.count) && byteCount <= bytes.count - Int(offset) else {
        throw corrupted(offset, "the trace is cut off")
      }
      return Array(bytes[Int(offset)..<(Int(offset) + byteCount)])
    case .file(let file, let total):
      guard offset <= total && UInt64(byteCount) <= total - offset else {
        throw corrupted(offset, "the trace is cut off")
      }
      if byteCount == 0 { return [] }
      var result = [UInt8](repeating: 0, count: byteCount)
      var failure: StorageError?
      result.withUnsafeMutableBytes { buffer in
        guard let base = buffer.baseAddress else { return }
        do throws(StorageError) {
          try file.transfer(isWrite: false, base, byteCount: byteCount, at: offset)
        } catch { failure = error }
      }
      if let failure { throw failure }
      return result
    }
  }

  /// The next event, nil after the last.
  ///
  /// - Throws: `.corrupted` with the offset in the trace; a trace that was cut off throws at the cut.
  public mutating func next() throws(StorageError) -> TraceEvent? {
    if isAtEnd { return nil }
    if eventsLeft == 0 { try readBlock() }
    eventsLeft -= 1
    let event = try decodeEvent()
    if eventsLeft == 0 && blockPosition != block.count {
      throw corrupted("bytes after the block's last event")
    }
    if event != nil { eventCount += 1 }
    return event
  }

  private func corrupted(_ detail: String) -> StorageError {
    Self.corrupted(blockStart + UInt64(blockPosition), detail)
  }

  private mutating func readBlock() throws(StorageError) {
    let header = try Self.read(source, at: position, byteCount: TraceFormat.blockHeaderByteCount)
    let byteCount = Int(Self.word(header, 0))
    guard byteCount >= 1 && byteCount <= TraceFormat.largestPayloadByteCount else {
      throw Self.corrupted(position, "a block of \(byteCount) bytes")
    }
    let events = Self.word(header, 4)
    // Every event has at least one byte.
    guard events >= 1 && Int(events) <= byteCount && Self.word(header, 8) == blockNumber else {
      throw Self.corrupted(position + 4, "an impossible block header")
    }
    let start = position + UInt64(TraceFormat.blockHeaderByteCount)
    block = try Self.read(source, at: start, byteCount: byteCount)
    let seed = header.withUnsafeBytes { CRC32C.of(UnsafeRawBufferPointer(rebasing: $0[0..<12])) }
    guard block.withUnsafeBytes({ CRC32C.of($0, seed: seed) }) == Self.word(header, 12) else {
      throw Self.corrupted(position + 12, "the checksum of block \(blockNumber)")
    }
    blockStart = start
    blockPosition = 0
    position = start + UInt64(byteCount)
    eventsLeft = events
    blockNumber &+= 1
    context = TraceFormat.Context()
  }

  private mutating func byte() throws(StorageError) -> UInt8 {
    guard blockPosition < block.count else { throw corrupted("an event is cut off") }
    blockPosition += 1
    return block[blockPosition - 1]
  }

  private mutating func varint() throws(StorageError) -> UInt64 {
    let decoded = block.withUnsafeBytes { Varint.decode($0, at: blockPosition) }
    guard let decoded else { throw corrupted("a number is cut off or too long") }
    blockPosition += decoded.byteCount
    return decoded.value
  }

  private mutating func cause() throws(StorageError) -> Cause {
    let raw = try byte()
    guard let cause = Cause(rawValue: raw) else { throw corrupted("cause \(raw) does not exist") }
    return cause
  }

  /// A number of units as bytes, within `limit`.
  private mutating func byteCount(atMost limit: UInt64) throws(StorageError) -> UInt64 {
    let product = try varint().multipliedReportingOverflow(by: UInt64(transferUnitByteCount))
    guard !product.overflow && product.partialValue <= limit else { throw corrupted("an impossible length") }
    return product.partialValue
  }

  /// Nil for the end event.
  private mutating func decodeEvent() throws(StorageError) -> TraceEvent? {
    let first = try byte()
    let argument = first >> 3
    guard let kind = TraceFormat.Kind(rawValue: first & 7) else { throw corrupted("an unknown event") }
    guard kind == .batch || kind == .namespace || argument == 0 else {
      throw corrupted("an unknown argument")
    }
    switch kind {
    case .batch:
      var count = UInt64(argument)
      if argument == 31 { count = count &+ (try varint()) }
      // Every transfer has at least one byte.
      guard count >= 1 && count <= UInt64(block.count - blockPosition) else {
        throw corrupted("an impossible number of transfers")
      }
      var transfers: [TraceTransfer] = []
      transfers.reserveCapacity(Int(min(count, 4_096)))
      for _ in 0..<Int(count) { transfers.append(try decodeTransfer()) }
      transferCount += count
      return .batch(transfers)
    case .sync: return .control(.sync(cause: try cause()))
    case .discard:
      let cause = try cause()
      let offset = try byteCount(atMost: .max)
      return .control(.discard(offset: offset, byteCount: try byteCount(atMost: .max), cause: cause))
    case .namespace:
      guard let direction = Direction(rawValue: argument), direction.rawValue >= Direction.create.rawValue,
        let fileID = UInt32(exactly: try varint())
      else { throw corrupted("an impossible change of names") }
      return .control(.namespace(direction, fileID: fileID))
    case .mark:
      let length = try varint()
      guard length <= 4_096 && Int(length) <= block.count - blockPosition else {
        throw corrupted("a mark is cut off")
      }
      let text = String(decoding: block[blockPosition..<(blockPosition + Int(length))], as: UTF8.self)
      blockPosition += Int(length)
      return .mark(text)
    case .end:
      let events = try varint()
      let transfers = try varint()
      guard events == eventCount && transfers == transferCount && eventsLeft == 0 && isLastBlock else {
        throw corrupted("the end event does not agree with the trace")
      }
      isAtEnd = true
      return nil
    }
  }

  private var isLastBlock: Bool {
    switch source {
    case .bytes(let bytes): position == UInt64(bytes.count)
    case .file(_, let byteCount): position == byteCount
    }
  }

  private mutating func decodeTransfer() throws(StorageError) -> TraceTransfer {
    let flags = try byte()
    guard flags & 0xC0 == 0 else { throw corrupted("unknown transfer flags") }
    let isWrite = flags & TraceFormat.writeFlag != 0
    var offset = context.end
    if flags & TraceFormat.sequentialFlag == 0 {
      let distance = TraceFormat.unzigzag(try varint())
      offset = offset &+ UInt64(bitPattern: distance &* Int64(transferUnitByteCount))
    }
    var length = isWrite ? context.writeByteCount : context.readByteCount
    if flags & TraceFormat.sameLengthFlag == 0 { length = Int(try byteCount(atMost: 1 << 40)) }
    guard length > 0 else { throw corrupted("a transfer of no bytes") }
    var pieces: [Piece] = []
    if flags & TraceFormat.plainFlag != 0 {
      if flags & TraceFormat.sameOwnerFlag == 0 {
        context.cause = try cause().rawValue
        context.level = try byte()
        context.client = flags & TraceFormat.clientFlag != 0 ? try byte() : 0
        context.hasOwner = true
      }
      guard context.hasOwner, let cause = Cause(rawValue: context.cause) else {
        throw corrupted("an owner nobody named")
      }
      pieces.append(
        Piece(
          cause: cause, level: Level(rawValue: context.level), client: Client(rawValue: context.client),
          requestedOperationCount: 1, requestedByteCount: length, transferredByteCount: length))
    } else {
      let count = try varint()
      // Every piece has at least six bytes.
      guard count >= 1 && count <= UInt64(block.count - blockPosition) / 6 else {
        throw corrupted("an impossible number of pieces")
      }
      var sum = 0
      for _ in 0..<Int(count) {
        let piece = Piece(
          cause: try cause(), level: Level(rawValue: try byte()), client: Client(rawValue: try byte()),
          requestedOperationCount: Int(clamping: try varint()),
          requestedByteCount: Int(clamping: try varint()),
          transferredByteCount: Int(clamping: try varint()))
        let next = sum.addingReportingOverflow(piece.transferredByteCount)
        guard !next.overflow else { throw corrupted("pieces longer than their transfer") }
        sum = next.partialValue
        pieces.append(piece)
      }
      guard sum == length else { throw corrupted("pieces that do not sum to their transfer") }
    }
    context.end = offset &+ UInt64(length)
    if isWrite { context.writeByteCount = length } else { context.readByteCount = length }
    return TraceTransfer(isWrite: isWrite, offset: offset, byteCount: length, pieces: pieces)
  }
}

/// What a model charges for one stretch of a trace.
public struct TraceCharge: Equatable, Sendable {
  /// The mark the stretch begins with, empty before the first.
  public var mark: String
  /// What the stretch costs.
  public var charge: TimeCharge
}

extension TraceReader {
  /// Charges all that is left of the trace under a model, stretch by stretch: exactly what a run with a clock of
  /// this model would have shown.
  ///
  /// - Throws: `.corrupted` where the trace is bad.
  public mutating func recharge(model: TimeModel) throws(StorageError) -> [TraceCharge] {
    var clock = TimeClock(model: model)
    var result: [TraceCharge] = []
    var mark = ""
    var before = clock.charge
    while let event = try next() {
      switch event {
      case .batch(let transfers): clock.charge(batch: transfers.lazy.map(\.charged))
      case .control: break
      case .mark(let text):
        result.append(TraceCharge(mark: mark, charge: clock.charge.subtracting(before)))
        mark = text
        before = clock.charge
      }
    }
    result.append(TraceCharge(mark: mark, charge: clock.charge.subtracting(before)))
    return result
  }
}
