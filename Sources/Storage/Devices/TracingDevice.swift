// Writes the trace of everything that succeeds below it. The format is in `TraceFormat`.
//
// Invariants
// 1. Only calls that succeeded are in the trace, in the order in which they returned.
// 2. The trace has no clock in it: two equal runs give equal bytes.
// 3. A trace that could not be written says so at `finish`; the run goes on, its trace is void.
// 4. While `isPaused` nothing is recorded, marks included; what is recorded is as if the rest had not happened.

import Accounting
import CSystem
import Primitives

/// Collects a trace in memory or in a file.
public final class TraceWriter {
  /// Where the bytes of the trace go.
  public enum Destination: Equatable, Sendable {
    /// `bytes` of the writer.
    case memory
    /// A file, created or emptied.
    case file(path: String)
  }

  /// The finished blocks when the destination is memory.
  public private(set) var bytes: [UInt8] = []
  /// Bytes given to the destination so far, unfinished block excluded.
  public private(set) var writtenByteCount: UInt64 = 0
  /// Transfers recorded so far.
  public private(set) var transferCount: UInt64 = 0
  /// Whether calls pass unrecorded: a trace may hold some phases of a run only.
  public var isPaused = false

  /// What the kernel charged this process for writing the trace: not the run's I/O.
  public private(set) var kernelCharge = KernelIOCounters()

  private let file: SystemFile?
  private let unitByteCount: Int
  private var block: [UInt8] = []
  private var context = TraceFormat.Context()
  private var blockEventCount: UInt32 = 0
  private var blockNumber: UInt32 = 0
  private var eventCount: UInt64 = 0
  private var failure: StorageError?
  private var isFinished = false

  /// A trace of a device with this unit and capacity.
  ///
  /// - Parameter description: which run this is, for whoever reads the trace.
  /// - Throws: `.deviceFailed` when the file cannot be created.
  public init(
    destination: Destination, transferUnitByteCount: Int, capacityByteCount: UInt64,
    description: LabelledText = LabelledText()
  ) throws(StorageError) {
    unitByteCount = transferUnitByteCount
    switch destination {
    case .memory: file = nil
    case .file(let path):
      file = try SystemFile(
        path: path, flags: BETULA_OPEN_WRITE | BETULA_OPEN_CREATE | BETULA_OPEN_TRUNCATE)
    }
    block.reserveCapacity(TraceFormat.blockByteCount + 4_096)
    var header = TraceFormat.magic
    Self.append(TraceFormat.version, to: &header)
    Self.append(UInt32(transferUnitByteCount), to: &header)
    Self.append(UInt32(truncatingIfNeeded: capacityByteCount), to: &header)
    Self.append(UInt32(truncatingIfNeeded: capacityByteCount >> 32), to: &header)
    let text = description.bytes
    Self.append(UInt32(text.count), to: &header)
    let seed = header.withUnsafeBytes { CRC32C.of($0) }
    Self.append(text.withUnsafeBytes { CRC32C.of($0, seed: seed) }, to: &header)
    emit(header + text)
  }

  private static func append(_ value: UInt32, to bytes: inout [UInt8]) {
    for shift in stride(from: UInt32(0), to: 32, by: 8) {
      bytes.append(UInt8(truncatingIfNeeded: value >> shift))
    }
  }

  private static func appendVarint(_ value: UInt64, to bytes: inout [UInt8]) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(truncatingIfNeeded: rest))
  }

  /// Adds a batch.
  public func record(_ batch: borrowing TransferBatch) {
    let count = batch.transfers.count
    if count == 0 || isPaused { return }
    beginEvent()
    block.append(TraceFormat.Kind.batch.rawValue | UInt8(min(count, 31)) << 3)
    if count >= 31 { Self.appendVarint(UInt64(count - 31), to: &block) }
    for index in batch.transfers.indices {
      Self.encode(batch.transfers[index], batch.pieces, unitByteCount, to: &block, &context)
    }
    transferCount += UInt64(count)
    endEvent()
  }

  private static func encode(
    _ transfer: Transfer, _ pieces: ContiguousArray<Piece>, _ unitByteCount: Int, to block: inout [UInt8],
    _ context: inout TraceFormat.Context
  ) {
    let isWrite = transfer.direction == .write
    let first = pieces[transfer.pieces.lowerBound]
    var flags: UInt8 = isWrite ? TraceFormat.writeFlag : 0
    let isSequential = transfer.offset == context.end
    let isSameLength = transfer.byteCount == (isWrite ? context.writeByteCount : context.readByteCount)
    let isPlain =
      transfer.pieces.count == 1 && first.requestedOperationCount == 1
      && first.requestedByteCount == transfer.byteCount
    let isSameOwner =
      isPlain && context.hasOwner && context.cause == first.cause.rawValue
      && context.level == first.level.rawValue && context.client == first.client.rawValue
    if isSequential { flags |= TraceFormat.sequentialFlag }
    if isSameLength { flags |= TraceFormat.sameLengthFlag }
    if isPlain { flags |= TraceFormat.plainFlag }
    if isSameOwner { flags |= TraceFormat.sameOwnerFlag }
    if isPlain && !isSameOwner && first.client.rawValue != 0 { flags |= TraceFormat.clientFlag }
    block.append(flags)
    if !isSequential {
      let distance = Int64(bitPattern: transfer.offset &- context.end) / Int64(unitByteCount)
      appendVarint(TraceFormat.zigzag(distance), to: &block)
    }
    if !isSameLength { appendVarint(UInt64(transfer.byteCount / unitByteCount), to: &block) }
    if isPlain {
      if !isSameOwner {
        block.append(first.cause.rawValue)
        block.append(first.level.rawValue)
        if first.client.rawValue != 0 { block.append(first.client.rawValue) }
      }
      context.hasOwner = true
      context.cause = first.cause.rawValue
      context.level = first.level.rawValue
      context.client = first.client.rawValue
    } else {
      appendVarint(UInt64(transfer.pieces.count), to: &block)
      for index in transfer.pieces {
        let piece = pieces[index]
        block.append(piece.cause.rawValue)
        block.append(piece.level.rawValue)
        block.append(piece.client.rawValue)
        appendVarint(UInt64(piece.requestedOperationCount), to: &block)
        appendVarint(UInt64(piece.requestedByteCount), to: &block)
        appendVarint(UInt64(piece.transferredByteCount), to: &block)
      }
    }
    context.end = transfer.end
    if isWrite {
      context.writeByteCount = transfer.byteCount
    } else {
      context.readByteCount = transfer.byteCount
    }
  }

  /// Adds a call that moved no data.
  public func record(_ operation: ControlOperation) {
    if isPaused { return }
    beginEvent()
    switch operation {
    case .sync(let cause):
      block.append(TraceFormat.Kind.sync.rawValue)
      block.append(cause.rawValue)
    case .discard(let offset, let byteCount, let cause):
      block.append(TraceFormat.Kind.discard.rawValue)
      block.append(cause.rawValue)
      Self.appendVarint(offset / UInt64(unitByteCount), to: &block)
      Self.appendVarint(byteCount / UInt64(unitByteCount), to: &block)
    case .namespace(let direction, let fileID):
      block.append(TraceFormat.Kind.namespace.rawValue | direction.rawValue << 3)
      Self.appendVarint(UInt64(fileID), to: &block)
    }
    endEvent()
  }

  /// Adds a request that never came to the device.
  public func record(_ request: UnmovedRequest) {
    if isPaused { return }
    beginEvent()
    block.append(TraceFormat.Kind.unmoved.rawValue | request.direction.rawValue << 3)
    block.append(request.cause.rawValue)
    block.append(request.level.rawValue)
    Self.appendVarint(request.operationCount, to: &block)
    Self.appendVarint(request.byteCount, to: &block)
    endEvent()
  }

  /// Adds a point between two calls. A phase's name has at most 4,096 bytes of UTF-8.
  public func mark(_ mark: TraceMark) {
    if isPaused { return }
    beginEvent()
    switch mark {
    case .phaseBegins(let name):
      let utf8 = Array(name.utf8)
      precondition(utf8.count <= TraceFormat.longestNameByteCount, "A phase has a name, not a text.")
      appendMark(.phaseBegins)
      Self.appendVarint(UInt64(utf8.count), to: &block)
      block.append(contentsOf: utf8)
    case .acknowledged: appendMark(.acknowledged)
    case .phaseEnds: appendMark(.phaseEnds)
    }
    endEvent()
  }

  private func appendMark(_ argument: TraceFormat.MarkArgument) {
    block.append(TraceFormat.Kind.mark.rawValue | argument.rawValue << 3)
  }

  /// Writes the end event and the last block; further events are refused.
  ///
  /// - Throws: the first error the destination gave, also of earlier blocks.
  public func finish() throws(StorageError) {
    if !isFinished {
      beginEvent()
      block.append(TraceFormat.Kind.end.rawValue)
      Self.appendVarint(eventCount, to: &block)
      Self.appendVarint(transferCount, to: &block)
      blockEventCount += 1
      closeBlock()
      isFinished = true
    }
    if let failure { throw failure }
  }

  private func beginEvent() {
    precondition(!isFinished, "A finished trace takes no more events.")
  }

  private func endEvent() {
    eventCount += 1
    blockEventCount += 1
    if block.count >= TraceFormat.blockByteCount { closeBlock() }
  }

  private func closeBlock() {
    var header: [UInt8] = []
    header.reserveCapacity(TraceFormat.blockHeaderByteCount)
    Self.append(UInt32(block.count), to: &header)
    Self.append(blockEventCount, to: &header)
    Self.append(blockNumber, to: &header)
    let seed = header.withUnsafeBytes { CRC32C.of($0) }
    Self.append(block.withUnsafeBytes { CRC32C.of($0, seed: seed) }, to: &header)
    emit(header)
    emit(block)
    block.removeAll(keepingCapacity: true)
    context = TraceFormat.Context()
    blockEventCount = 0
    blockNumber += 1
  }

  private func emit(_ newBytes: [UInt8]) {
    if failure != nil { return }
    guard let file else {
      bytes.append(contentsOf: newBytes)
      writtenByteCount += UInt64(newBytes.count)
      return
    }
    let before = KernelIOCounters.ofThread()
    defer {
      if let before, let after = KernelIOCounters.ofThread() {
        kernelCharge = kernelCharge.adding(after.subtracting(before))
      }
    }
    newBytes.withUnsafeBytes { buffer in
      guard let base = buffer.baseAddress else { return }
      do throws(StorageError) {
        try file.transfer(
          isWrite: true, UnsafeMutableRawPointer(mutating: base), byteCount: buffer.count,
          at: writtenByteCount)
        writtenByteCount += UInt64(buffer.count)
      } catch { failure = error }
    }
  }
}

/// Records what passes to a writer.
public final class TracingDevice: BlockDevice {
  /// The trace.
  public let writer: TraceWriter
  private let base: any BlockDevice

  /// The base's transfer unit, in bytes.
  public let transferUnitByteCount: Int
  /// The base's capacity, in bytes.
  public let capacityByteCount: UInt64

  /// A trace of `base`.
  ///
  /// - Throws: `.deviceFailed` when the trace's file cannot be created.
  public init(
    base: any BlockDevice, destination: TraceWriter.Destination, description: LabelledText = LabelledText()
  ) throws(StorageError) {
    self.base = base
    transferUnitByteCount = base.transferUnitByteCount
    capacityByteCount = base.capacityByteCount
    writer = try TraceWriter(
      destination: destination, transferUnitByteCount: base.transferUnitByteCount,
      capacityByteCount: base.capacityByteCount, description: description)
  }

  /// Passes the batch on and records it.
  public func submit(_ batch: inout TransferBatch) throws(StorageError) {
    try base.submit(&batch)
    batch.classifyReads()
    writer.record(batch)
  }

  /// As the base.
  public func begin(_ batch: inout TransferBatch) -> (any BatchInFlight)? { base.begin(&batch) }

  /// Waits for the batch and records it.
  public func finish(_ batch: inout TransferBatch, _ flight: any BatchInFlight) throws(StorageError) {
    try base.finish(&batch, flight)
    batch.classifyReads()
    writer.record(batch)
  }

  /// Passes the call on and records it.
  public func control(_ operation: ControlOperation) throws(StorageError) {
    try base.control(operation)
    writer.record(operation)
  }
}
