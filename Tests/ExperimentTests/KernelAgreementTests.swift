// Goal: who moves bytes beside the counted device on a file past the page cache fails the run.
// Method: canary engines that read or write a file of their own, each more than the tolerance; skipped with the reason
// where the kernel does not count. The run that passes is made in a process of its own (`KernelRunTests`).

import Accounting
import EngineCatalogue
import Foundation
import KeyValue
import Primitives
import Storage
import Testing

@testable import Experiment

/// Passes everything on, and moves 8 MiB of a file of its own with the fifth batch.
private final class SmugglingEngine: Engine {
  private let base: any Engine
  private let own: FileDevice
  private let direction: Direction
  private var batchCount = 0

  init(_ base: any Engine, _ path: String, _ direction: Direction) throws(StorageError) {
    self.base = base
    self.direction = direction
    own = try FileDevice(path: path, creates: true, capacityByteCount: 8 << 20, mode: .direct)
    try move(.write)
  }

  private func move(_ direction: Direction) throws(StorageError) {
    let frame = FramePool().frame(byteCount: 8 << 20, zeroed: true)
    var batch = TransferBatch()
    batch.append(direction, offset: 0, memory: .frame(frame, offset: 0), byteCount: 8 << 20, cause: .leaf)
    try own.submit(&batch)
  }

  var limits: EngineLimits { base.limits }
  var durabilityClass: DurabilityClass { base.durabilityClass }
  func apply(_ batch: borrowing WriteBatch, sync: Bool) throws(EngineError) {
    batchCount += 1
    if batchCount == 5 {
      do throws(StorageError) { try move(direction) } catch { throw .storage(error) }
    }
    try base.apply(batch, sync: sync)
  }
  func get(_ key: RawSpan, _ body: (RawSpan) -> Void) throws(EngineError) -> Bool { try base.get(key, body) }
  func makeCursor(_ range: KeyRange, _ order: ScanOrder) throws(EngineError) -> any Cursor {
    try base.makeCursor(range, order)
  }
  func makeSnapshot() throws(EngineError) -> any ReadView { try base.makeSnapshot() }
  func checkpoint() throws(EngineError) { try base.checkpoint() }
  func settle() throws(EngineError) { try base.settle() }
  func dropCache() throws(EngineError) { try base.dropCache() }
  func close() throws(EngineError) { try base.close() }
  func spaceReport() throws(EngineError) -> SpaceReport { try base.spaceReport() }
  func settingsReadBack() -> [(name: String, value: String)] { base.settingsReadBack() }
  func statistics() -> [(name: String, value: UInt64)] { base.statistics() }
  func verify() throws(EngineError) { try base.verify() }
}

@Suite("Kernel agreement")
struct KernelAgreementTests {
  @Test("bytes moved beside the counted device fail the run", arguments: [Direction.read, .write])
  func canary(direction: Direction) throws {
    let folder = FileManager.default.currentDirectoryPath + "/.build-kernel-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    // Left behind only when the system refuses, which no test is about.
    defer { try? FileManager.default.removeItem(atPath: folder) }
    if case .doesNotCount(let reason) = KernelCountProbe.ask(path: folder + "/probe") {
      print("skipped: the kernel does not count O_DIRECT here: \(reason)")
      return
    }
    let text = """
      schema: 1
      study: smuggled
      memory_budget: 1MiB
      device: { kind: file, io: direct, capacity: 64MiB, path: "\(folder)" }
      workload: { records: 1_000 }
      commit: { batch_operations: 100 }
      engines: [{ engine: append-log }]
      phases: [{ phase: load }]
      """
    let spec = try Plan(
      Study.decode(text, file: "smuggled", vocabulary: .standard), vocabulary: .standard
    ).runs[0]
    let honest = try #require(engineEntry(named: "append-log"))
    let smuggling = EngineEntry(honest.descriptor) { environment, parameters throws(EngineError) in
      let base = try honest.open(environment, parameters)
      do throws(StorageError) {
        return try SmugglingEngine(base, folder + "/hidden", direction)
      } catch {
        throw .storage(error)
      }
    }
    let outcome = try RunExecutor(spec: spec, entry: smuggling).execute()
    let reason = try #require(outcome.failure)
    #expect(reason.contains("in phase 'load' the kernel counted"))
    #expect(reason.contains("a residual of"))
    #expect(reason.contains("something in this process passes the counted device by"))
    #expect(outcome.runs.allSatisfy { $0.status == .failed && $0.deviceWriteBytes == nil })
  }

  @Test("a buffered file is not judged, and its residual is in the record")
  func buffered() throws {
    let text = """
      schema: 1
      study: buffered
      memory_budget: 1MiB
      device: { kind: file, io: buffered, capacity: 64MiB }
      workload: { records: 1_000 }
      engines: [{ engine: append-log }]
      phases: [{ phase: load }]
      """
    let spec = try Plan(
      Study.decode(text, file: "buffered", vocabulary: .standard), vocabulary: .standard
    ).runs[0]
    let outcome = try RunExecutor(spec: spec, entry: try #require(engineEntry(named: "append-log"))).execute()
    #expect(outcome.failure == nil)
    if KernelIOCounters.now() != nil { #expect(outcome.timing[0].kernelWriteResidualBytes != nil) }
  }
}
