// The script and table of one small figure, as they must come out. When a change is meant, the failing test prints
// the new ones; look at the picture before taking them over.

let goldenScript = #"""
  # Write amplification: load
  # Draw again with: gnuplot write_amplification_load.gnuplot
  # Reads write_amplification_load.csv, writes write_amplification_load.svg and write_amplification_load.png.

  data = 'write_amplification_load.csv'
  set datafile separator comma
  set datafile columnheaders
  set encoding utf8
  set style fill solid 1.0 noborder
  set tics nomirror out scale 0.6 noenhanced textcolor rgb '#222222'
  set border 3 linecolor rgb '#666666'
  set grid linetype 1 linewidth 0.8 linecolor rgb '#dddddd'
  # Three digits that matter and a unit of thousands.
  grouped(v) = v < 1000 ? sprintf('%d', v) : sprintf('%d,%03d', v / 1000, v % 1000)
  digits(v) = v < 9.995 ? sprintf('%.2f', v) : v < 99.95 ? sprintf('%.1f', v) : sprintf('%.0f', v)
  short(v) = v == 0 ? '0' : v < 0.00995 ? sprintf('%.2g', v) : v < 0.9995 ? sprintf('%.3f', v) : v < 9.995 ? sprintf('%.2f', v) : v < 99.95 ? sprintf('%.1f', v) : v < 99999.5 ? grouped(int(v + 0.5)) : v < 999500 ? sprintf('%.0f k', v / 1e3) : v < 9.995e8 ? digits(v / 1e6).' M' : v < 9.995e11 ? digits(v / 1e9).' G' : sprintf('%.3g', v)
  set yrange [175:0]
  set grid xtics noytics
  set key off
  of(s, p, m) = stringcolumn('series') eq s && stringcolumn('phase') eq p ? column(m) : NaN
  at(d) = column('position') + d
  # A logarithmic axis has no place for 0: its label stands where the axis begins.
  seen(v, low) = v < low ? low : v

  do for [kind in 'svg png'] {
    if (kind eq 'svg') {
      set terminal svg size 1000,358 fixed font 'sans-serif,17' background rgb 'white'
    } else {
      set terminal pngcairo size 1000,358 font 'sans-serif,17' fontscale 0.75 background rgb 'white'
    }
    set output 'write_amplification_load.'.kind
    unset label
    unset object
    set label 1 'Write amplification: load' at screen 0.016, screen 0.9274 left noenhanced font ',22'
    set label 2 '20,000 to 1,000,000 records · batch 1,000 · durability prefix · memory 14 MiB · seed 1 · memory device' at screen 0.016, screen 0.8492 left noenhanced font ',15' textcolor rgb '#555555'
    set multiplot
    set lmargin at screen 0.2010
    set rmargin at screen 0.9600
    set tmargin at screen 0.7011
    set bmargin at screen 0.2123
    set logscale x 10
    set xrange [0.1:116.89575101167871]
    set xtics ('0.1' 0.1, '0.3' 0.3, '1' 1.0, '3' 3.0, '10' 10.0, '30' 30.0, '100' 100.0)
    set xlabel 'bytes written ÷ logical bytes written, log scale' noenhanced
    set ytics ('append-log (20 k)' 32, 'sqlite-wal (1 M)' 89, 'null (20 k)' 146) scale 0
    set label 'skipped: the null engine stores nothing, and check_answers is on' at first 0.1, first 146 left offset char 0.5,0 noenhanced font ',15' textcolor rgb '#777777'
    set object rectangle from screen 0.2010, screen 0.7374 to screen 0.2150, screen 0.7765 front fillcolor rgb '#444444' fillstyle solid border linecolor rgb '#444444'
    set label 'wa_data_end: nodes, runs, tables' at screen 0.2230, screen 0.7570 left noenhanced font ',15'
    set object rectangle from screen 0.5230, screen 0.7374 to screen 0.5370, screen 0.7765 front fillcolor rgb '#cbcbcb' fillstyle solid border linecolor rgb '#444444'
    set label 'wa_total_end: log, metadata, padding as well' at screen 0.5450, screen 0.7570 left noenhanced font ',15'
    plot \
      data using (of('append-log', 'load', 'wa_data_end')):(at(-10.5)):(0.1):(column('wa_data_end')):(at(-20.0)):(at(-1.0)) with boxxyerror fillstyle solid border linecolor rgb '#009e73' fillcolor rgb '#009e73', \
      data using (seen(of('append-log', 'load', 'wa_data_end_upper'), 0.1)):(at(-10.5)):(short(column('wa_data_end'))) with labels left offset char 0.4,0 noenhanced font ',15', \
      data using (of('append-log', 'load', 'wa_total_end')):(at(10.5)):(0.1):(column('wa_total_end')):(at(1.0)):(at(20.0)) with boxxyerror fillstyle solid border linecolor rgb '#009e73' fillcolor rgb '#b8e4d8', \
      data using (seen(of('append-log', 'load', 'wa_total_end_upper'), 0.1)):(at(10.5)):(short(column('wa_total_end'))) with labels left offset char 0.4,0 noenhanced font ',15', \
      data using (of('sqlite-wal', 'load', 'wa_data_end')):(at(-10.5)):(0.1):(column('wa_data_end')):(at(-20.0)):(at(-1.0)) with boxxyerror fillstyle solid border linecolor rgb '#0072b2' fillcolor rgb '#0072b2', \
      data using (seen(of('sqlite-wal', 'load', 'wa_data_end_upper'), 0.1)):(at(-10.5)):(short(column('wa_data_end'))) with labels left offset char 0.4,0 noenhanced font ',15', \
      data using (of('sqlite-wal', 'load', 'wa_total_end')):(at(10.5)):(0.1):(column('wa_total_end')):(at(1.0)):(at(20.0)) with boxxyerror fillstyle solid border linecolor rgb '#0072b2' fillcolor rgb '#b8d8e9', \
      data using (seen(of('sqlite-wal', 'load', 'wa_total_end_upper'), 0.1)):(at(10.5)):(short(column('wa_total_end'))) with labels left offset char 0.4,0 noenhanced font ',15'
    unset label
    unset object
    unset multiplot
    unset output
  }

  """#

let goldenTable = #"""
  position,phase,series,engine,records,repeats,wa_data_end,wa_data_end_lower,wa_data_end_upper,wa_total_end,wa_total_end_lower,wa_total_end_upper,absence
  32,load,append-log,append-log,20000,1,1.0,1.0,1.0,1.02,1.02,1.02,
  89,load,sqlite-wal,sqlite,1000000,1,23.03,23.03,23.03,50.08,50.08,50.08,
  146,load,null,null,20000,0,,,,,,,"skipped: the null engine stores nothing, and check_answers is on"

  """#
