// Goal: figures speak in words, and titles fit. Method: known metrics, statistics and axes; a title longer than its figure.

import Testing

@testable import Report

@Suite struct FigureWordsTests {
  @Test func metricsAreNamedAsTheRegistryNamesThem() {
    #expect(
      FigureWords.quantity("device_write_bytes", per: "operations") == "Device bytes written per operation")
    #expect(FigureWords.axisTitle("ops_per_s", per: nil) == "Throughput (operations/s)")
    #expect(
      FigureWords.axisTitle("statistic_messages_flushed_to_leaves", per: "statistic_flushes_to_leaves")
        == "Messages flushed to leaves ÷ flushes to leaves")
  }

  @Test func axesAreNamedByTheirLastWord() {
    #expect(FigureWords.axis("engines.bepsilon.node_bytes") == "node bytes")
    #expect(FigureWords.axis("engines.bepsilon.epsilon") == "ε")
    #expect(FigureWords.axis("operations") == "operations")
  }

  @Test func longTitlesGetSmallerType() {
    let text = String(repeating: "x", count: 100)
    let size = GnuplotScript.fittingSize(text, length: 968, from: 22)
    #expect(size < 22 && GnuplotScript.textWidth(text, size: size) <= 968)
    #expect(GnuplotScript.textWidth(text, size: size + 1) > 968)
    #expect(GnuplotScript.fittingSize("short", length: 968, from: 22) == 22)
  }
}
