// Goal: a pin of another thread holds its state; it waits for an open transaction once at most, and the writer never waits.
// Method: a writer and a reader in steps; the threads end within the steps they are expected to end in, so a wait that should
// not be hangs the test.

import Accounting
import Primitives
import Testing

@testable import Storage

@Suite struct PinTests {
  private func makeVolume() throws -> Volume {
    let device = MemoryDevice(capacityByteCount: 8 << 20)
    return try Volume.create(
      channel: IOChannel(device: device, pool: device.pool), budget: MemoryBudget(limitByteCount: 4 << 20),
      configuration: VolumeConfiguration(engineTag: "pins"))
  }

  @Test func publishedStatesArePinnedWhileNobodyWrites() throws {
    let volume = try makeVolume()
    volume.endWriting(7)
    let shared = HandedOver(volume)
    let seen = Lock(0)
    Threads.run(4) { _ in
      let value = shared.value.pinPublished(Int.self) { _, value in value }
      seen.withLock { $0 += value }
    }
    #expect(seen.withLock { $0 } == 28)
    #expect(volume.oldestPinSequence == nil)
  }

  @Test func onlyTheFirstReaderWaits() throws {
    let volume = try makeVolume()
    volume.endWriting(1)
    let shared = HandedOver(volume)
    let values = Lock<[Int]>([])
    // The first reader comes while the writer works on a state that nobody holds: it gets the next one.
    volume.beginWriting()
    Threads.run(2) { number in
      if number == 0 {
        let value = shared.value.pinPublished(Int.self) { _, value in value }
        values.withLock { $0.append(value) }
      } else {
        while shared.value.pins.waitingCount == 0 { Threads.yield() }
        shared.value.endWriting(2)
      }
    }
    #expect(values.withLock { $0 } == [2])
    // The readers after it get the published state within the writer's transaction.
    for round in 3...200 {
      volume.beginWriting()
      Threads.run(1) { _ in
        let value = shared.value.pinPublished(Int.self) { _, value in value }
        values.withLock { $0 = [value] }
      }
      #expect(values.withLock { $0 } == [round - 1])
      volume.endWriting(round)
    }
    // After enough transactions without readers the writer holds nothing any more.
    for round in 0..<100 {
      volume.beginWriting()
      volume.endWriting(round)
    }
    volume.beginWriting()
    #expect(volume.oldestPinSequence == nil)
    volume.endWriting(0)
  }
}
