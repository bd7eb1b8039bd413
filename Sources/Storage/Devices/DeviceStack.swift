// The device of a run, composed from a description: runner, tests and crash laboratory all build it here.
//
//   IOChannel ─▶ fault? ─▶ trace? ─▶ time? ─▶ flash? ─▶ count ─▶ memory │ file
//
// After a crash the memory device lives on and the rest is built anew: `DeviceStack(description, reopening: image)`.

import Accounting
import Primitives

/// What a device is made of.
public struct DeviceDescription: Equatable, Sendable {
  /// Where the bytes are.
  public enum Base: Equatable, Sendable {
    /// In memory: deterministic.
    case memory
    /// In a file.
    case file(path: String, mode: FileDevice.Mode)
  }

  /// Where the bytes are.
  public var base = Base.memory
  /// The address space, in bytes; a multiple of the transfer unit.
  public var capacityByteCount: UInt64 = 4 << 30
  /// A power of two from 512 bytes to 1 MiB.
  public var transferUnitByteCount = 4_096
  /// The virtual clock's model, nil for none.
  public var timeModel: TimeModel?
  /// The modelled flash drive, nil for none.
  public var flash: FlashConfiguration?
  /// Where the trace goes, nil for none.
  public var trace: TraceWriter.Destination?
  /// What the trace says of itself.
  public var traceDescription = LabelledText()
  /// What goes wrong.
  public var faults: [ScriptedFault] = []
  /// Whether the fault device keeps what a crash would leave (memory only).
  public var tracksCrashes = false
  /// The bytes a crash keeps or drops as one, nil for the transfer unit.
  public var crashAtomByteCount: Int?
  /// Transfers of a batch with the system at once (file only).
  public var parallelism = 64
  /// Reserves the file's blocks at once (file only).
  public var preallocates = false
  /// Finds whoever changes a frame it shares with the device (memory only; for tests).
  public var guardsSharedFrames = false

  /// A memory device of 4 GiB, unit 4 KiB, counted and nothing else.
  public init() {}
}

/// A device and its decorators.
public struct DeviceStack {
  /// What it was made from.
  public let description: DeviceDescription
  /// What a channel talks to.
  public let top: any BlockDevice
  /// The device's own count, always there.
  public let counting: CountingDevice
  /// The clock, when the description has a time model.
  public let timed: TimedDevice?
  /// The flash drive, when the description has one.
  public let flash: FlashDevice?
  /// The trace, when the description has one.
  public let tracing: TracingDevice?
  /// The faults, when the description has a script or tracks crashes.
  public let fault: FaultDevice?
  /// The base, when it is in memory.
  public let memory: MemoryDevice?
  /// The base, when it is a file.
  public let file: FileDevice?
  /// Where frames come from, for the device and for engines above.
  public let pool: FramePool

  /// Builds the stack over a new, empty base.
  ///
  /// - Throws: `.deviceFailed` when a file cannot be made.
  public init(_ description: DeviceDescription, pool: FramePool = FramePool()) throws(StorageError) {
    switch description.base {
    case .memory:
      let memory = MemoryDevice(
        capacityByteCount: description.capacityByteCount,
        transferUnitByteCount: description.transferUnitByteCount, pool: pool,
        guardsSharedFrames: description.guardsSharedFrames)
      try self.init(description, memory: memory, file: nil, pool: pool)
    case .file(let path, let mode):
      try self.init(
        description, memory: nil, file: try Self.openFile(description, path, mode, creates: true, pool),
        pool: pool)
    }
  }

  /// Builds the stack anew over a memory device that holds something: after a crash, or to reopen. Unit and capacity
  /// are the device's.
  public init(_ description: DeviceDescription, reopening memory: MemoryDevice) throws(StorageError) {
    var description = description
    description.base = .memory
    description.capacityByteCount = memory.capacityByteCount
    description.transferUnitByteCount = memory.transferUnitByteCount
    try self.init(description, memory: memory, file: nil, pool: memory.pool)
  }

  /// Builds the stack over the file of the description as it is.
  public init(
    reopeningFileOf description: DeviceDescription, pool: FramePool = FramePool()
  ) throws(StorageError) {
    guard case .file(let path, let mode) = description.base else {
      preconditionFailure("A memory device is reopened with init(_:reopening:).")
    }
    try self.init(
      description, memory: nil, file: try Self.openFile(description, path, mode, creates: false, pool),
      pool: pool)
  }

  private static func openFile(
    _ description: DeviceDescription, _ path: String, _ mode: FileDevice.Mode, creates: Bool,
    _ pool: FramePool
  ) throws(StorageError) -> FileDevice {
    try FileDevice(
      path: path, creates: creates, capacityByteCount: description.capacityByteCount,
      transferUnitByteCount: description.transferUnitByteCount, mode: mode,
      preallocates: description.preallocates, parallelism: description.parallelism, pool: pool)
  }

  private init(
    _ description: DeviceDescription, memory: MemoryDevice?, file: FileDevice?, pool: FramePool
  ) throws(StorageError) {
    let base: any BlockDevice
    if let memory {
      base = memory
    } else if let file {
      base = file
    } else {
      preconditionFailure("A device has its bytes in memory or in a file.")
    }
    precondition(!description.tracksCrashes || memory != nil, "Only a memory device can crash.")
    let counting = CountingDevice(base: base)
    var top: any BlockDevice = counting
    var flash: FlashDevice?
    if let configuration = description.flash {
      let device = FlashDevice(base: top, configuration: configuration)
      flash = device
      top = device
    }
    var timed: TimedDevice?
    if let model = description.timeModel {
      let device = TimedDevice(base: top, model: model)
      timed = device
      top = device
    }
    var tracing: TracingDevice?
    if let destination = description.trace {
      let device = try TracingDevice(
        base: top, destination: destination, description: description.traceDescription)
      tracing = device
      top = device
    }
    var fault: FaultDevice?
    if description.tracksCrashes || !description.faults.isEmpty {
      let device = FaultDevice(
        base: top, script: description.faults, memory: description.tracksCrashes ? memory : nil,
        atomByteCount: description.crashAtomByteCount)
      fault = device
      top = device
    }
    self.description = description
    self.memory = memory
    self.file = file
    self.pool = pool
    self.counting = counting
    self.timed = timed
    self.flash = flash
    self.tracing = tracing
    self.fault = fault
    self.top = top
  }

  /// A second stack with the same bytes, counts, clock and head position; from now on each goes its own way.
  ///
  /// Cost: constant; see `MemoryDevice.clone`.
  /// - Returns: nil for what cannot be doubled: see `canBranch`.
  package func branch() -> DeviceStack? {
    guard canBranch, let memory else { return nil }
    return DeviceStack(branching: self, memory: memory.clone())
  }

  /// Whether everything in the stack can be doubled: not a file, a trace, or a device that keeps what a crash leaves.
  package var canBranch: Bool { memory != nil && tracing == nil && fault == nil }

  private init(branching original: DeviceStack, memory: MemoryDevice) {
    let counting = CountingDevice(base: memory, continuing: original.counting.counts)
    let flash = original.flash.map { FlashDevice(base: counting, continuing: $0.translation) }
    let below: any BlockDevice = flash ?? counting
    timed = original.timed.map { TimedDevice(base: below, continuing: $0.clock) }
    top = timed ?? below
    description = original.description
    pool = original.pool
    tracing = nil
    self.flash = flash
    fault = nil
    file = nil
    self.counting = counting
    self.memory = memory
  }

  /// A channel to the top, sharing the stack's frames.
  public func makeChannel(coalesces: Bool = true, maximumTransferByteCount: Int = 4 << 20) -> IOChannel {
    let channel = IOChannel(
      device: top, pool: pool, coalesces: coalesces, maximumTransferByteCount: maximumTransferByteCount)
    channel.trace = tracing?.writer
    return channel
  }

  /// Ends the trace.
  ///
  /// - Throws: what went wrong while the trace was written.
  public func finish() throws(StorageError) { try tracing?.writer.finish() }
}
