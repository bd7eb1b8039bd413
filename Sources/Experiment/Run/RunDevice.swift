// The device of one run: the stack of decorators, the channel on top, and the memory budget beside it.

import Accounting
import Foundation
import Primitives
import Results
import Storage
import Workload

/// What a run's engine lives on.
struct RunDevice {
  let stack: DeviceStack
  let timed: TimedDevice
  let channel: IOChannel
  let budget: MemoryBudget
  /// The run's trace, nil when nobody asked for one.
  let trace: RunTrace?
  private let temporaryFile: String?

  /// - Parameters:
  ///   - request: the trace to keep.
  ///   - timeModel: what `device_s` is charged under instead of the profile.
  init(_ spec: RunSpec, trace request: TraceRequest? = nil, timeModel: TimeModel? = nil) throws {
    try self.init(spec, memory: nil, trace: request, timeModel: timeModel)
  }

  /// The device of a run whose power was cut: what is left, with counters, clock and budget of its own.
  init(_ spec: RunSpec, reopening image: MemoryDevice, timeModel: TimeModel? = nil) throws {
    try self.init(spec, memory: image, trace: nil, timeModel: timeModel)
  }

  private init(
    _ spec: RunSpec, memory: MemoryDevice?, trace request: TraceRequest?, timeModel: TimeModel?
  ) throws {
    let device = spec.device
    var description = DeviceDescription()
    description.capacityByteCount = UInt64(device.capacityByteCount)
    description.transferUnitByteCount = device.transferUnitByteCount
    description.timeModel = try timeModel ?? TimeModel(profile: DeviceProfile.named(device.profile))
    if let request { try RunTrace.prepare(&description, spec, request) }
    description.flash = device.flash?.configuration
    if device.kind == .file {
      description.parallelism = device.queueDepth
      let folder = device.path ?? NSTemporaryDirectory()
      let name = "betula-\(spec.id)-\(ProcessInfo.processInfo.processIdentifier).volume"
      let path = (folder as NSString).appendingPathComponent(name)
      description.base = .file(path: path, mode: device.access == .direct ? .direct : .buffered)
      temporaryFile = path
    } else {
      temporaryFile = nil
    }
    if device.kind == .memory, spec.cutsPower {
      description.tracksCrashes = true
      description.crashAtomByteCount = min(512, device.transferUnitByteCount)
    }
    if let memory {
      stack = try DeviceStack(description, reopening: memory)
    } else {
      stack = try DeviceStack(description)
      if device.kind == .memory { try Self.prepareMemory(stack.pool, spec) }
    }
    trace = RunTrace.of(stack, request)
    guard let timed = stack.timed else {
      preconditionFailure("A stack described with a time model has a clock.")
    }
    self.timed = timed
    channel = stack.makeChannel(
      coalesces: device.coalesces, maximumTransferByteCount: device.maximumTransferByteCount)
    budget = MemoryBudget(limitByteCount: spec.memoryBudgetByteCount)
  }

  /// A drive is there before a run, and so is a memory device's memory, when there is much of it; without that a load would
  /// time how the system hands out memory.
  ///
  /// Frames of any size: where everything fits, six times the data, at most a third of the machine: a copy-on-write tree at ln 2
  /// of its pages has three generations of them in memory when a checkpoint begins (the last one, the one before it in units
  /// that are free by now, and the changed pages). Else the run's memory. And what engines keep beside frames, buffers and
  /// guests' caches: the run's memory, at most twice the data.
  private static func prepareMemory(_ pool: FramePool, _ spec: RunSpec) throws {
    let data = try WorkloadSpec(parameters: spec.workload, seed: spec.seed).expectedByteCount
    let memory = Double(spec.memoryBudgetByteCount)
    let machine = Double(ProcessInfo.processInfo.physicalMemory)
    let byteCount = Int(memory < 3 * data ? memory : min(6 * data, machine / 3))
    if byteCount < leastPreparedByteCount { return }
    pool.prepare(byteCount: byteCount)
    HeapMemory.prepare(byteCount: Int(min(memory, 2 * data, machine / 16)))
  }

  /// Less is handed out too fast to matter.
  private static let leastPreparedByteCount = 128 << 20

  /// A device with the same bytes, counts, clock and budget; from now on each goes its own way. Nil for a file.
  func branch() -> RunDevice? { RunDevice(branching: self) }

  private init?(branching original: RunDevice) {
    guard let stack = original.stack.branch(), let timed = stack.timed else { return nil }
    self.stack = stack
    self.timed = timed
    channel = IOChannel(branching: original.channel, device: stack.top)
    budget = MemoryBudget(continuing: original.budget)
    trace = nil
    temporaryFile = nil
  }

  /// Removes the files of devices in `folder` whose processes are gone.
  static func removeLeftovers(folder: String?) throws {
    let folder = folder ?? NSTemporaryDirectory()
    guard FileManager.default.fileExists(atPath: folder) else { return }
    for name in try FileManager.default.contentsOfDirectory(atPath: folder) {
      let parts = name.dropLast(".volume".count).split(separator: "-", omittingEmptySubsequences: false)
      guard name.hasSuffix(".volume"), parts.count == 3, parts[0] == "betula", parts[1].count == 12,
        let process = Int32(parts[2]), isDeadProcess(Substring(String(process)))
      else { continue }
      try FileManager.default.removeItem(atPath: (folder as NSString).appendingPathComponent(name))
    }
  }

  /// Where an engine is opened, fresh or again.
  func environment(for spec: RunSpec, creates: Bool) -> EngineEnvironment {
    EngineEnvironment(
      channel: channel, budget: budget, seed: spec.seed, creates: creates,
      syncEveryCommits: spec.commit.syncEveryCommits)
  }

  /// Writes the device's bytes to a file of their own.
  func keep(at path: String) throws {
    try FileManager.default.createDirectory(
      atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
    if let memory = stack.memory {
      try memory.writeImage(to: path)
    } else if let temporaryFile {
      if FileManager.default.fileExists(atPath: path) { try FileManager.default.removeItem(atPath: path) }
      try FileManager.default.moveItem(atPath: temporaryFile, toPath: path)
    }
  }

  /// Removes what a file device and an unfinished trace left, also after a failure.
  func removeFile() throws {
    try trace?.discard()
    if let temporaryFile, FileManager.default.fileExists(atPath: temporaryFile) {
      try FileManager.default.removeItem(atPath: temporaryFile)
    }
  }
}
