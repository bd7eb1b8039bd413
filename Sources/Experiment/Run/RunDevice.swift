// The device of one run: the stack of decorators, the channel on top, and the memory budget beside it.

import Accounting
import Foundation
import Primitives
import Storage

/// What a run's engine lives on.
struct RunDevice {
  let stack: DeviceStack
  let channel: IOChannel
  let budget: MemoryBudget
  private let temporaryFile: String?

  init(_ spec: RunSpec) throws {
    let device = spec.device
    let profile = try DeviceProfile.named(device.profile)
    var file: String?
    if device.kind == .file {
      let folder = device.path ?? NSTemporaryDirectory()
      file = folder + "/betula-\(spec.id)-\(ProcessInfo.processInfo.processIdentifier).volume"
    }
    temporaryFile = file
    stack = try DeviceStack(
      DeviceStack.Description(
        base: file.map { .file(path: $0, mode: device.access == .direct ? .direct : .buffered) } ?? .memory,
        capacityByteCount: UInt64(device.capacityByteCount),
        transferUnitByteCount: device.transferUnitByteCount, timeModel: TimeModel(profile: profile)))
    channel = IOChannel(
      device: stack.top, coalesces: device.coalesces,
      maximumTransferByteCount: device.maximumTransferByteCount)
    budget = MemoryBudget(limitByteCount: spec.memoryBudgetByteCount)
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
    try stack.writeImage(to: path)
  }

  /// Removes what a file device left.
  func finish() throws {
    if let temporaryFile { try FileManager.default.removeItem(atPath: temporaryFile) }
  }
}
