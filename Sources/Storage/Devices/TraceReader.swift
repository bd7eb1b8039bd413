// Reads a trace back, block by block, trusting nothing: any bytes give events or `.corrupted`, never a trap.

import Accounting
import Primitives

/// The events of a trace in order.
public struct TraceReader {
  /// The traced device's transfer unit, in bytes.
  public let transferUnitByteCount: Int
  /// The traced device's capacity, in bytes.
  public let capacityByteCount: UInt64
  /// Which run was traced, as the writer described it.
  public let description: LabelledText
  /// Bytes of the whole trace.
  public let byteCount: UInt64

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
  /// Everything counted so far, so that no sum over a trace overflows.
  private var countedSum: UInt64 = 0
  private var scratch = TransferBatch()

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
    let version = Self.word(header, 8)
    guard version == TraceFormat.version else {
      throw Self.corrupted(8, "version \(version) is not \(TraceFormat.version), the one this program reads")
    }
    let textByteCount = Int(Self.word(header, 24))
    guard textByteCount <= LabelledText.maximumByteCount else {
      throw Self.corrupted(24, "a description of \(textByteCount) bytes")
    }
    let text = try Self.read(source, at: UInt64(TraceFormat.headerByteCount), byteCount: textByteCount)
    let seed = header.withUnsafeBytes { CRC32C.of(UnsafeRawBufferPointer(rebasing: $0[0..<28])) }
    guard Self.word(header, 28) == text.withUnsafeBytes({ CRC32C.of($0, seed: seed) }) else {
      throw Self.corrupted(28, "the header's checksum")
    }
    let unit = Self.word(header, 12)
    guard unit >= 1 && unit <= 1 << 30 else { throw Self.corrupted(12, "a transfer unit of \(unit) bytes") }
    guard let description = LabelledText(bytes: text) else {
      throw Self.corrupted(32, "a description that is not lines of names and values")
    }
    self.description = description
    transferUnitByteCount = Int(unit)
    capacityByteCount = UInt64(Self.word(header, 16)) | UInt64(Self.word(header, 20)) << 32
    switch source {
    case .bytes(let bytes): byteCount = UInt64(bytes.count)
    case .file(_, let count): byteCount = count
    }
    position = UInt64(TraceFormat.headerByteCount + textByteCount)
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

  /// What `next(into:)` came to.
  public enum Step: Equatable, Sendable {
    /// A batch; the caller's holds its transfers and pieces, without memory.
    case batch
    /// A call that moved no data.
    case control(ControlOperation)
    /// A named point of the run.
    case mark(TraceMark)
    /// A request that moved nothing.
    case unmoved(UnmovedRequest)
  }

  /// The next event, nil after the last. Allocates for every batch; `next(into:)` does not.
  ///
  /// - Throws: `.corrupted` with the offset in the trace; a trace that was cut off throws at the cut.
  public mutating func next() throws(StorageError) -> TraceEvent? {
    var batch = TransferBatch()
    swap(&batch, &scratch)
    defer { swap(&batch, &scratch) }
    switch try next(into: &batch) {
    case nil: return nil
    case .control(let operation): return .control(operation)
    case .mark(let mark): return .mark(mark)
    case .unmoved(let request): return .unmoved(request)
    case .batch:
      return .batch(
        batch.transfers.map { transfer in
          TraceTransfer(
            isWrite: transfer.direction == .write, offset: transfer.offset, byteCount: transfer.byteCount,
            pieces: Array(batch.pieces[transfer.pieces]))
        })
    }
  }

  /// The next event, nil after the last; the transfers of a batch replace what `batch` held. Nothing is allocated once
  /// `batch` has grown; about 20 ns a transfer.
  ///
  /// - Throws: `.corrupted` with the offset in the trace; a trace that was cut off throws at the cut.
  public mutating func next(into batch: inout TransferBatch) throws(StorageError) -> Step? {
    if isAtEnd { return nil }
    if eventsLeft == 0 { try readBlock() }
    eventsLeft -= 1
    let step = try decodeEvent(&batch)
    if eventsLeft == 0 && blockPosition != block.count {
      throw corrupted("bytes after the block's last event")
    }
    if step != nil { eventCount += 1 }
    return step
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

  @inline(__always) private mutating func byte() throws(StorageError) -> UInt8 {
    guard blockPosition < block.count else { throw corrupted("an event is cut off") }
    blockPosition += 1
    return block[blockPosition - 1]
  }

  @inline(__always) private mutating func varint() throws(StorageError) -> UInt64 {
    if blockPosition < block.count, block[blockPosition] < 0x80 {
      blockPosition += 1
      return UInt64(block[blockPosition - 1])
    }
    return try longVarint()
  }

  private mutating func longVarint() throws(StorageError) -> UInt64 {
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

  /// Adds to the sum of everything counted; a trace whose counts exceed 64 bits is no trace.
  @inline(__always) private mutating func count(_ number: UInt64) throws(StorageError) {
    let sum = countedSum.addingReportingOverflow(number)
    if sum.overflow { throw corrupted("counts beyond 64 bits") }
    countedSum = sum.partialValue
  }

  /// A number of units as bytes, within `limit`.
  private mutating func byteCount(atMost limit: UInt64) throws(StorageError) -> UInt64 {
    let product = try varint().multipliedReportingOverflow(by: UInt64(transferUnitByteCount))
    guard !product.overflow && product.partialValue <= limit else { throw corrupted("an impossible length") }
    return product.partialValue
  }

  /// Nil for the end event.
  private mutating func decodeEvent(_ batch: inout TransferBatch) throws(StorageError) -> Step? {
    let first = try byte()
    let argument = first >> 3
    guard let kind = TraceFormat.Kind(rawValue: first & 7) else { throw corrupted("an unknown event") }
    guard argument == 0 || kind == .batch || kind == .namespace || kind == .mark || kind == .unmoved else {
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
      batch.removeAll()
      for _ in 0..<Int(count) { try decodeTransfer(&batch) }
      batch.isSealed = true
      transferCount += count
      return .batch
    case .sync: return .control(.sync(cause: try cause()))
    case .discard:
      let cause = try cause()
      let offset = try byteCount(atMost: .max)
      let length = try byteCount(atMost: .max)
      try self.count(length)
      return .control(.discard(offset: offset, byteCount: length, cause: cause))
    case .namespace:
      guard let direction = Direction(rawValue: argument), direction.rawValue >= Direction.create.rawValue,
        let fileID = UInt32(exactly: try varint())
      else { throw corrupted("an impossible change of names") }
      return .control(.namespace(direction, fileID: fileID))
    case .mark:
      return .mark(try decodeMark(argument))
    case .unmoved:
      guard let direction = Direction(rawValue: argument), direction == .read || direction == .write else {
        throw corrupted("an unmoved request that neither reads nor writes")
      }
      let request = UnmovedRequest(
        direction: direction, cause: try cause(), level: Level(rawValue: try byte()),
        operationCount: try varint(), byteCount: try varint())
      try self.count(request.operationCount)
      try self.count(request.byteCount)
      return .unmoved(request)
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

  private mutating func decodeMark(_ argument: UInt8) throws(StorageError) -> TraceMark {
    switch TraceFormat.MarkArgument(rawValue: argument) {
    case nil: throw corrupted("an unknown mark")
    case .acknowledged: return .acknowledged
    case .phaseEnds: return .phaseEnds
    case .phaseBegins:
      let length = try varint()
      guard length <= UInt64(TraceFormat.longestNameByteCount) && Int(length) <= block.count - blockPosition
      else { throw corrupted("a phase's name is cut off") }
      let utf8 = block[blockPosition..<(blockPosition + Int(length))]
      guard let name = String(validating: utf8, as: UTF8.self) else {
        throw corrupted("a phase's name is not UTF-8")
      }
      blockPosition += Int(length)
      return .phaseBegins(name)
    }
  }

  @inline(__always) private mutating func decodeTransfer(_ batch: inout TransferBatch) throws(StorageError) {
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
    try count(UInt64(length))
    let firstPiece = batch.pieces.count
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
      try count(UInt64(length) + 1)
      batch.pieces.append(
        Piece(
          cause: cause, level: Level(rawValue: context.level), client: Client(rawValue: context.client),
          requestedOperationCount: 1, requestedByteCount: length, transferredByteCount: length))
    } else {
      try decodePieces(&batch, length: length)
    }
    batch.transfers.append(
      Transfer(
        direction: isWrite ? .write : .read, offset: offset, byteCount: length, segments: 0..<0,
        pieces: firstPiece..<batch.pieces.count))
    context.end = offset &+ UInt64(length)
    if isWrite { context.writeByteCount = length } else { context.readByteCount = length }
  }

  private mutating func decodePieces(_ batch: inout TransferBatch, length: Int) throws(StorageError) {
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
      try self.count(UInt64(piece.requestedOperationCount))
      try self.count(UInt64(piece.requestedByteCount))
      batch.pieces.append(piece)
    }
    guard sum == length else { throw corrupted("pieces that do not sum to their transfer") }
  }
}
