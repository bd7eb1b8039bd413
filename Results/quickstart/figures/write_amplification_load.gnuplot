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
set yrange [403:0]
set grid xtics noytics
set key off
of(s, p, m) = stringcolumn('series') eq s && stringcolumn('phase') eq p ? column(m) : NaN
at(d) = column('position') + d
# A logarithmic axis has no place for 0: its label stands where the axis begins.
seen(v, low) = v < low ? low : v

do for [kind in 'svg png'] {
  if (kind eq 'svg') {
    set terminal svg size 1000,607 fixed font 'sans-serif,17' background rgb 'white'
  } else {
    set terminal pngcairo size 1000,607 font 'sans-serif,17' fontscale 0.75 background rgb 'white'
  }
  set output 'write_amplification_load.'.kind
  unset label
  unset object
  set label 1 'Write amplification: load' at screen 0.016, screen 0.9572 left noenhanced font ',22'
  set label 2 '20,000 to 1,000,000 records · batch 1,000 · durability none, prefix, at_checkpoints, each_commit' at screen 0.016, screen 0.9110 left noenhanced font ',15' textcolor rgb '#555555'
  set label 3 'memory 1 MiB to 13.8 MiB · seed 5103132997656651 · memory device' at screen 0.016, screen 0.8764 left noenhanced font ',15' textcolor rgb '#555555'
  set multiplot
  set lmargin at screen 0.2600
  set rmargin at screen 0.9600
  set tmargin at screen 0.7891
  set bmargin at screen 0.1252
  set logscale x 10
  set xrange [0.1:271.0740974647608]
  set xtics ('0.1' 0.1, '0.3' 0.3, '1' 1.0, '3' 3.0, '10' 10.0, '30' 30.0, '100' 100.0)
  set xlabel 'bytes written ÷ logical bytes written, log scale' noenhanced
  set ytics ('null (1 M)' 32, 'append-log (20 k)' 89, 'sorted-file (100 k)' 146, 'sqlite-wal (1 M)' 203, 'sqlite-rollback (200 k)' 260, 'btree (1 M)' 317, 'bepsilon (1 M)' 374) scale 0
  set object rectangle from screen 0.2520, screen 0.8105 to screen 0.2660, screen 0.8336 front fillcolor rgb '#444444' fillstyle solid border linecolor rgb '#444444'
  set label 'wa_data_end: nodes, runs, tables' at screen 0.2740, screen 0.8221 left noenhanced font ',15'
  set object rectangle from screen 0.5740, screen 0.8105 to screen 0.5880, screen 0.8336 front fillcolor rgb '#cbcbcb' fillstyle solid border linecolor rgb '#444444'
  set label 'wa_total_end: log, metadata, padding as well' at screen 0.5960, screen 0.8221 left noenhanced font ',15'
  plot \
    data using (of('null', 'load', 'wa_data_end')):(at(-10.5)):(0.1):(column('wa_data_end')):(at(-20.0)):(at(-1.0)) with boxxyerror fillstyle solid border linecolor rgb '#999999' fillcolor rgb '#999999', \
    data using (seen(of('null', 'load', 'wa_data_end_upper'), 0.1)):(at(-10.5)):(short(column('wa_data_end'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('null', 'load', 'wa_total_end')):(at(10.5)):(0.1):(column('wa_total_end')):(at(1.0)):(at(20.0)) with boxxyerror fillstyle solid border linecolor rgb '#999999' fillcolor rgb '#e2e2e2', \
    data using (seen(of('null', 'load', 'wa_total_end_upper'), 0.1)):(at(10.5)):(short(column('wa_total_end'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('append-log', 'load', 'wa_data_end')):(at(-10.5)):(0.1):(column('wa_data_end')):(at(-20.0)):(at(-1.0)) with boxxyerror fillstyle solid border linecolor rgb '#009e73' fillcolor rgb '#009e73', \
    data using (seen(of('append-log', 'load', 'wa_data_end_upper'), 0.1)):(at(-10.5)):(short(column('wa_data_end'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('append-log', 'load', 'wa_total_end')):(at(10.5)):(0.1):(column('wa_total_end')):(at(1.0)):(at(20.0)) with boxxyerror fillstyle solid border linecolor rgb '#009e73' fillcolor rgb '#b8e4d8', \
    data using (seen(of('append-log', 'load', 'wa_total_end_upper'), 0.1)):(at(10.5)):(short(column('wa_total_end'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('sorted-file', 'load', 'wa_data_end')):(at(-10.5)):(0.1):(column('wa_data_end')):(at(-20.0)):(at(-1.0)) with boxxyerror fillstyle solid border linecolor rgb '#cc79a7' fillcolor rgb '#cc79a7', \
    data using (seen(of('sorted-file', 'load', 'wa_data_end_upper'), 0.1)):(at(-10.5)):(short(column('wa_data_end'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('sorted-file', 'load', 'wa_total_end')):(at(10.5)):(0.1):(column('wa_total_end')):(at(1.0)):(at(20.0)) with boxxyerror fillstyle solid border linecolor rgb '#cc79a7' fillcolor rgb '#f1d9e6', \
    data using (seen(of('sorted-file', 'load', 'wa_total_end_upper'), 0.1)):(at(10.5)):(short(column('wa_total_end'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('sqlite-wal', 'load', 'wa_data_end')):(at(-10.5)):(0.1):(column('wa_data_end')):(at(-20.0)):(at(-1.0)) with boxxyerror fillstyle solid border linecolor rgb '#0072b2' fillcolor rgb '#0072b2', \
    data using (seen(of('sqlite-wal', 'load', 'wa_data_end_upper'), 0.1)):(at(-10.5)):(short(column('wa_data_end'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('sqlite-wal', 'load', 'wa_total_end')):(at(10.5)):(0.1):(column('wa_total_end')):(at(1.0)):(at(20.0)) with boxxyerror fillstyle solid border linecolor rgb '#0072b2' fillcolor rgb '#b8d8e9', \
    data using (seen(of('sqlite-wal', 'load', 'wa_total_end_upper'), 0.1)):(at(10.5)):(short(column('wa_total_end'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('sqlite-rollback', 'load', 'wa_data_end')):(at(-10.5)):(0.1):(column('wa_data_end')):(at(-20.0)):(at(-1.0)) with boxxyerror fillstyle solid border linecolor rgb '#56b4e9' fillcolor rgb '#56b4e9', \
    data using (seen(of('sqlite-rollback', 'load', 'wa_data_end_upper'), 0.1)):(at(-10.5)):(short(column('wa_data_end'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('sqlite-rollback', 'load', 'wa_total_end')):(at(10.5)):(0.1):(column('wa_total_end')):(at(1.0)):(at(20.0)) with boxxyerror fillstyle solid border linecolor rgb '#56b4e9' fillcolor rgb '#d0eaf9', \
    data using (seen(of('sqlite-rollback', 'load', 'wa_total_end_upper'), 0.1)):(at(10.5)):(short(column('wa_total_end'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('btree', 'load', 'wa_data_end')):(at(-10.5)):(0.1):(column('wa_data_end')):(at(-20.0)):(at(-1.0)) with boxxyerror fillstyle solid border linecolor rgb '#d55e00' fillcolor rgb '#d55e00', \
    data using (seen(of('btree', 'load', 'wa_data_end_upper'), 0.1)):(at(-10.5)):(short(column('wa_data_end'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('btree', 'load', 'wa_total_end')):(at(10.5)):(0.1):(column('wa_total_end')):(at(1.0)):(at(20.0)) with boxxyerror fillstyle solid border linecolor rgb '#d55e00' fillcolor rgb '#f3d2b8', \
    data using (seen(of('btree', 'load', 'wa_total_end_upper'), 0.1)):(at(10.5)):(short(column('wa_total_end'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('bepsilon', 'load', 'wa_data_end')):(at(-10.5)):(0.1):(column('wa_data_end')):(at(-20.0)):(at(-1.0)) with boxxyerror fillstyle solid border linecolor rgb '#e69f00' fillcolor rgb '#e69f00', \
    data using (seen(of('bepsilon', 'load', 'wa_data_end_upper'), 0.1)):(at(-10.5)):(short(column('wa_data_end'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('bepsilon', 'load', 'wa_total_end')):(at(10.5)):(0.1):(column('wa_total_end')):(at(1.0)):(at(20.0)) with boxxyerror fillstyle solid border linecolor rgb '#e69f00' fillcolor rgb '#f8e4b8', \
    data using (seen(of('bepsilon', 'load', 'wa_total_end_upper'), 0.1)):(at(10.5)):(short(column('wa_total_end'))) with labels left offset char 0.4,0 noenhanced font ',15'
  unset label
  unset object
  unset multiplot
  unset output
}
