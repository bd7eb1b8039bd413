// Goal: `betula explain --json` says of every metric what the text says, and of an unknown one the nearest.
// Method: the built program; its JSON decoded and held against the registry.

import Accounting
import Foundation
import Testing

@Suite struct ExplainCommandTests {
  private func explain(_ arguments: String...) throws -> (status: Int32, output: Data, errors: String) {
    let own = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
    let process = Process()
    process.executableURL = own.deletingLastPathComponent().appendingPathComponent("betula")
    process.arguments = ["explain"] + arguments
    let (output, errors) = (Pipe(), Pipe())
    process.standardOutput = output
    process.standardError = errors
    try process.run()
    let said = output.fileHandleForReading.readDataToEndOfFile()
    let complained = errors.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return (process.terminationStatus, said, String(decoding: complained, as: UTF8.self))
  }

  @Test func allMetricsAsAList() throws {
    let ended = try explain("--json")
    #expect(ended.status == 0)
    let list = try #require(try JSONSerialization.jsonObject(with: ended.output) as? [[String: Any]])
    let metrics = MetricRegistry.entries + MetricRegistry.families
    #expect(list.map { $0["id"] as? String } == metrics.map(\.id))
    #expect(list.map { $0["formula"] as? String } == metrics.map(\.formula))
    #expect(list.allSatisfy { !($0["files"] as? [String] ?? []).isEmpty })
  }

  @Test func oneMetricAsAnObject() throws {
    let flash = try #require(
      try JSONSerialization.jsonObject(with: explain("wa_flash_end", "--json").output) as? [String: Any])
    #expect(flash["id"] as? String == "wa_flash_end")
    #expect(flash["unit"] as? String == "byte/byte")
    #expect(flash["direction"] as? String == MetricPreference.smallerIsBetter.rawValue)
    #expect(flash["files"] as? [String] == ["runs.csv"])
    #expect(flash["is_clock_dependent"] as? Bool == false)
    let column = try #require(
      try JSONSerialization.jsonObject(with: explain("dam_ios_4096", "--json").output) as? [String: Any])
    #expect(column["id"] as? String == "dam_ios_4096" && column["family"] as? String == "dam_ios_<B>")
  }

  @Test func mistakes() throws {
    let unknown = try explain("wa_flsh_end", "--json")
    #expect(unknown.status == 65 && unknown.output.isEmpty)
    #expect(unknown.errors.contains("wa_flash_end"))
    #expect(try explain("--json", "--dictionary").status == 64)
  }
}
