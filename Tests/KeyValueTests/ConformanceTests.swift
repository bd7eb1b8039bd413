// Goal: the reference model is an engine, and the conformance suite notices what it claims to notice.
// Method: the model passes every check under several seeds; each of the faulty engines of `Fault` fails at
// least one.

import KeyValue
import Testing

private func referenceSuite() -> ConformanceSuite {
  ConformanceSuite(
    makeFresh: { _ in
      let model = ReferenceModel(limits: BrokenEngine.testLimits)
      return (engine: model, device: Box(model))
    },
    reopen: { box in
      box.engine = ReferenceModel(limits: BrokenEngine.testLimits, state: box.engine.state)
      return box.engine
    })
}

@Suite struct ConformanceTests {
  @Test(arguments: ConformanceSuite.checks.map(\.name), [1, 2] as [UInt64])
  func referenceModelConforms(check: String, seed: UInt64) throws {
    let found = try #require(ConformanceSuite.check(named: check))
    try referenceSuite().run(found, seed: seed)
  }

  @Test func namesAreUniqueAndSnakeCase() {
    let names = ConformanceSuite.checks.map(\.name)
    #expect(Set(names).count == names.count)
    for name in names {
      #expect(name.allSatisfy { $0 == "_" || ($0.isASCII && ($0.isLowercase || $0.isNumber)) })
    }
  }

  @Test(arguments: Fault.allCases)
  func faultIsCaught(fault: Fault) {
    let suite = ConformanceSuite(randomOperationCount: 2_000) { _ in
      let box = Box(BrokenEngine(fault))
      return ConformanceSubject(
        engine: box.engine,
        reopen: {
          box.engine = BrokenEngine(fault, state: box.engine.stateAfterReopen)
          return box.engine
        }, deviceWriteByteCount: { box.engine.writtenByteCount })
    }
    let failures = suite.runAll(seed: 1).filter { $0.failure != nil }
    #expect(!failures.isEmpty, "no check noticed \(fault.rawValue)")
  }

  @Test func skippedChecksSaySo() throws {
    let check = try #require(ConformanceSuite.check(named: "null_engine"))
    #expect(try referenceSuite().run(check, seed: 1) == false)
  }

  @Test func failureNamesCheckSeedAndStep() throws {
    let check = try #require(ConformanceSuite.check(named: "put_get_overwrite_delete"))
    let suite = ConformanceSuite { _ in ConformanceSubject(engine: BrokenEngine(.getCallsTwice)) }
    let failure = #expect(throws: ConformanceFailure.self) { try suite.run(check, seed: 9) }
    #expect(failure?.check == "put_get_overwrite_delete")
    #expect(failure?.seed == 9)
    #expect((failure?.step ?? 0) > 0)
  }
}

/// What stands for a device: it survives the engine.
private final class Box<Kept: Engine> {
  var engine: Kept
  init(_ engine: Kept) { self.engine = engine }
}
