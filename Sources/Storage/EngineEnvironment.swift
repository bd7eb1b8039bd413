// What an engine is given to live in.

import Accounting

/// The place an engine is opened in: one device behind one channel, one budget, one seed.
public struct EngineEnvironment {
  /// The one way to the device.
  public var channel: IOChannel
  /// The memory the engine may hold.
  public var budget: MemoryBudget
  /// Seeds everything random in the engine (volume id, SQLite's randomness).
  public var seed: UInt64
  /// False when the device holds an engine to be reopened, true when it is to be formatted.
  public var creates: Bool
  /// Every how many commits `apply` is called with `sync`: 0 never, 1 each, n every n-th.
  public var syncEveryCommits: Int

  /// An environment; the caller keeps the channel to read its ledger.
  public init(
    channel: IOChannel, budget: MemoryBudget, seed: UInt64, creates: Bool, syncEveryCommits: Int
  ) {
    self.channel = channel
    self.budget = budget
    self.seed = seed
    self.creates = creates
    self.syncEveryCommits = syncEveryCommits
  }
}
