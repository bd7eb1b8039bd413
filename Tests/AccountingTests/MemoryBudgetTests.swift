// Goal: a budget never gives more than it has, and remembers its peaks.
// Method: random reservations and releases against a plain array, all invariants after every step.

import Primitives
import Testing

@testable import Accounting

@Suite struct MemoryBudgetTests {
  @Test(arguments: UInt64(1)...10) func theLimitHolds(seed: UInt64) {
    var random = IOLedgerTests.Random(state: seed)
    let budget = MemoryBudget(limitByteCount: 100_000)
    var model = [Int](repeating: 0, count: MemoryAccount.allCases.count)
    var peaks = model
    var peak = 0
    for step in 0..<2_000 {
      let account = MemoryAccount.allCases[random.below(MemoryAccount.allCases.count)]
      let held = model.reduce(0, +)
      if random.below(5) < 3 {
        let byteCount = random.below(30_000)
        let fits = held + byteCount <= 100_000
        #expect(budget.reserve(byteCount, for: account) == fits)
        if fits { model[account.rawValue] += byteCount }
      } else if model[account.rawValue] > 0 {
        let byteCount = random.below(model[account.rawValue] + 1)
        budget.release(byteCount, for: account)
        model[account.rawValue] -= byteCount
      }
      if step % 500 == 499 {
        budget.resetPeak()
        peaks = model
        peak = model.reduce(0, +)
      }
      peak = max(peak, model.reduce(0, +))
      for index in model.indices { peaks[index] = max(peaks[index], model[index]) }
      #expect(budget.heldByteCount == model.reduce(0, +))
      #expect(budget.availableByteCount == 100_000 - budget.heldByteCount)
      #expect(budget.peakByteCount == peak)
      for account in MemoryAccount.allCases {
        #expect(budget.held(by: account) == model[account.rawValue])
        #expect(budget.peak(of: account) == peaks[account.rawValue])
      }
    }
  }

  @Test func aRefusalNamesTheAccount() throws {
    let budget = MemoryBudget(limitByteCount: 1_000)
    try budget.require(700, for: .memtable)
    #expect(
      throws: StorageError.outOfBudget(
        account: "log_buffer", requestedByteCount: 400, availableByteCount: 300)
    ) { try budget.require(400, for: .logBuffer) }
    #expect(budget.heldByteCount == 700)
    #expect(!budget.reserve(.max, for: .frames))
    budget.move(200, from: .memtable, to: .dirty)
    #expect(budget.held(by: .memtable) == 500)
    #expect(budget.held(by: .dirty) == 200)
    #expect(budget.heldByteCount == 700)
  }

  @Test func releasingMoreThanHeldStopsTheProgram() async {
    await #expect(processExitsWith: .failure) {
      let budget = MemoryBudget(limitByteCount: 1_000)
      _ = budget.reserve(10, for: .frames)
      budget.release(11, for: .frames)
    }
  }
}
