# Write amplification: load, overwrite
# Draw again with: gnuplot write_amplification.gnuplot
# Reads write_amplification.csv, writes write_amplification.svg and write_amplification.png.

data = 'write_amplification.csv'
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
set yrange [748:0]
set grid xtics noytics
set key off
of(s, p, m) = stringcolumn('series') eq s && stringcolumn('phase') eq p ? column(m) : NaN
at(d) = column('position') + d
# A logarithmic axis has no place for 0: its label stands where the axis begins.
seen(v, low) = v < low ? low : v

do for [kind in 'svg png'] {
  if (kind eq 'svg') {
    set terminal svg size 1000,952 fixed font 'sans-serif,17' background rgb 'white'
  } else {
    set terminal pngcairo size 1000,952 font 'sans-serif,17' fontscale 0.75 background rgb 'white'
  }
  set output 'write_amplification.'.kind
  unset label
  unset object
  set label 1 'Write amplification: load, overwrite' at screen 0.016, screen 0.9727 left noenhanced font ',22'
  set label 2 '5,000,000 records · batch 1,000 · durability prefix, at_checkpoints · memory 2 GiB' at screen 0.016, screen 0.9433 left noenhanced font ',15' textcolor rgb '#555555'
  set label 3 '3 seeds: median and 95 % interval · memory device' at screen 0.016, screen 0.9212 left noenhanced font ',15' textcolor rgb '#555555'
  set multiplot
  set lmargin at screen 0.1420
  set rmargin at screen 0.9600
  set tmargin at screen 0.8655
  set bmargin at screen 0.0798
  unset logscale x
  set xrange [0.0:98.95396714733543]
  set xtics ('0' 0.0, '20' 20.0, '40' 40.0, '60' 60.0, '80' 80.0)
  set xlabel 'bytes written ÷ logical bytes written' noenhanced
  set ytics ('be-256k' 62, 'be-1m' 119, 'be-4m' 176, 'btree-log' 233, 'sqlite' 290, 'sqlite-unix' 347, 'be-256k' 434, 'be-1m' 491, 'be-4m' 548, 'btree-log' 605, 'sqlite' 662, 'sqlite-unix' 719) scale 0
  set label 'phase load, cold cache' at graph 0, first 19 left offset char 0.5,0 noenhanced font ',15' textcolor rgb '#555555'
  set label 'not measured' at first 0.0, first 347 left offset char 0.5,0 noenhanced font ',15' textcolor rgb '#777777'
  set label 'phase overwrite, warm cache' at graph 0, first 391 left offset char 0.5,0 noenhanced font ',15' textcolor rgb '#555555'
  set label 'not measured' at first 0.0, first 719 left offset char 0.5,0 noenhanced font ',15' textcolor rgb '#777777'
  set object rectangle from screen 0.1420, screen 0.8792 to screen 0.1560, screen 0.8939 front fillcolor rgb '#444444' fillstyle solid border linecolor rgb '#444444'
  set label 'wa_data_end: nodes, runs, tables' at screen 0.1640, screen 0.8866 left noenhanced font ',15'
  set object rectangle from screen 0.4640, screen 0.8792 to screen 0.4780, screen 0.8939 front fillcolor rgb '#cbcbcb' fillstyle solid border linecolor rgb '#444444'
  set label 'wa_total_end: log, metadata, padding as well' at screen 0.4860, screen 0.8866 left noenhanced font ',15'
  plot \
    data using (of('be-256k', 'load', 'wa_data_end')):(at(-10.5)):(0.0):(column('wa_data_end')):(at(-20.0)):(at(-1.0)) with boxxyerror fillstyle solid border linecolor rgb '#cc79a7' fillcolor rgb '#cc79a7', \
    data using (of('be-256k', 'load', 'wa_data_end')):(at(-10.5)):(column('wa_data_end_lower')):(column('wa_data_end_upper')) with xerrorbars pointtype 0 linewidth 1.4 linecolor rgb '#222222', \
    data using (seen(of('be-256k', 'load', 'wa_data_end_upper'), 0.0)):(at(-10.5)):(short(column('wa_data_end'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('be-256k', 'load', 'wa_total_end')):(at(10.5)):(0.0):(column('wa_total_end')):(at(1.0)):(at(20.0)) with boxxyerror fillstyle solid border linecolor rgb '#cc79a7' fillcolor rgb '#f1d9e6', \
    data using (of('be-256k', 'load', 'wa_total_end')):(at(10.5)):(column('wa_total_end_lower')):(column('wa_total_end_upper')) with xerrorbars pointtype 0 linewidth 1.4 linecolor rgb '#222222', \
    data using (seen(of('be-256k', 'load', 'wa_total_end_upper'), 0.0)):(at(10.5)):(short(column('wa_total_end'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('be-1m', 'load', 'wa_data_end')):(at(-10.5)):(0.0):(column('wa_data_end')):(at(-20.0)):(at(-1.0)) with boxxyerror fillstyle solid border linecolor rgb '#e69f00' fillcolor rgb '#e69f00', \
    data using (of('be-1m', 'load', 'wa_data_end')):(at(-10.5)):(column('wa_data_end_lower')):(column('wa_data_end_upper')) with xerrorbars pointtype 0 linewidth 1.4 linecolor rgb '#222222', \
    data using (seen(of('be-1m', 'load', 'wa_data_end_upper'), 0.0)):(at(-10.5)):(short(column('wa_data_end'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('be-1m', 'load', 'wa_total_end')):(at(10.5)):(0.0):(column('wa_total_end')):(at(1.0)):(at(20.0)) with boxxyerror fillstyle solid border linecolor rgb '#e69f00' fillcolor rgb '#f8e4b8', \
    data using (of('be-1m', 'load', 'wa_total_end')):(at(10.5)):(column('wa_total_end_lower')):(column('wa_total_end_upper')) with xerrorbars pointtype 0 linewidth 1.4 linecolor rgb '#222222', \
    data using (seen(of('be-1m', 'load', 'wa_total_end_upper'), 0.0)):(at(10.5)):(short(column('wa_total_end'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('be-4m', 'load', 'wa_data_end')):(at(-10.5)):(0.0):(column('wa_data_end')):(at(-20.0)):(at(-1.0)) with boxxyerror fillstyle solid border linecolor rgb '#56b4e9' fillcolor rgb '#56b4e9', \
    data using (of('be-4m', 'load', 'wa_data_end')):(at(-10.5)):(column('wa_data_end_lower')):(column('wa_data_end_upper')) with xerrorbars pointtype 0 linewidth 1.4 linecolor rgb '#222222', \
    data using (seen(of('be-4m', 'load', 'wa_data_end_upper'), 0.0)):(at(-10.5)):(short(column('wa_data_end'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('be-4m', 'load', 'wa_total_end')):(at(10.5)):(0.0):(column('wa_total_end')):(at(1.0)):(at(20.0)) with boxxyerror fillstyle solid border linecolor rgb '#56b4e9' fillcolor rgb '#d0eaf9', \
    data using (of('be-4m', 'load', 'wa_total_end')):(at(10.5)):(column('wa_total_end_lower')):(column('wa_total_end_upper')) with xerrorbars pointtype 0 linewidth 1.4 linecolor rgb '#222222', \
    data using (seen(of('be-4m', 'load', 'wa_total_end_upper'), 0.0)):(at(10.5)):(short(column('wa_total_end'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('btree-log', 'load', 'wa_data_end')):(at(-10.5)):(0.0):(column('wa_data_end')):(at(-20.0)):(at(-1.0)) with boxxyerror fillstyle solid border linecolor rgb '#d55e00' fillcolor rgb '#d55e00', \
    data using (of('btree-log', 'load', 'wa_data_end')):(at(-10.5)):(column('wa_data_end_lower')):(column('wa_data_end_upper')) with xerrorbars pointtype 0 linewidth 1.4 linecolor rgb '#222222', \
    data using (seen(of('btree-log', 'load', 'wa_data_end_upper'), 0.0)):(at(-10.5)):(short(column('wa_data_end'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('btree-log', 'load', 'wa_total_end')):(at(10.5)):(0.0):(column('wa_total_end')):(at(1.0)):(at(20.0)) with boxxyerror fillstyle solid border linecolor rgb '#d55e00' fillcolor rgb '#f3d2b8', \
    data using (of('btree-log', 'load', 'wa_total_end')):(at(10.5)):(column('wa_total_end_lower')):(column('wa_total_end_upper')) with xerrorbars pointtype 0 linewidth 1.4 linecolor rgb '#222222', \
    data using (seen(of('btree-log', 'load', 'wa_total_end_upper'), 0.0)):(at(10.5)):(short(column('wa_total_end'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('sqlite', 'load', 'wa_data_end')):(at(-10.5)):(0.0):(column('wa_data_end')):(at(-20.0)):(at(-1.0)) with boxxyerror fillstyle solid border linecolor rgb '#0072b2' fillcolor rgb '#0072b2', \
    data using (of('sqlite', 'load', 'wa_data_end')):(at(-10.5)):(column('wa_data_end_lower')):(column('wa_data_end_upper')) with xerrorbars pointtype 0 linewidth 1.4 linecolor rgb '#222222', \
    data using (seen(of('sqlite', 'load', 'wa_data_end_upper'), 0.0)):(at(-10.5)):(short(column('wa_data_end'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('sqlite', 'load', 'wa_total_end')):(at(10.5)):(0.0):(column('wa_total_end')):(at(1.0)):(at(20.0)) with boxxyerror fillstyle solid border linecolor rgb '#0072b2' fillcolor rgb '#b8d8e9', \
    data using (of('sqlite', 'load', 'wa_total_end')):(at(10.5)):(column('wa_total_end_lower')):(column('wa_total_end_upper')) with xerrorbars pointtype 0 linewidth 1.4 linecolor rgb '#222222', \
    data using (seen(of('sqlite', 'load', 'wa_total_end_upper'), 0.0)):(at(10.5)):(short(column('wa_total_end'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('be-256k', 'overwrite', 'wa_data_end')):(at(-10.5)):(0.0):(column('wa_data_end')):(at(-20.0)):(at(-1.0)) with boxxyerror fillstyle solid border linecolor rgb '#cc79a7' fillcolor rgb '#cc79a7', \
    data using (of('be-256k', 'overwrite', 'wa_data_end')):(at(-10.5)):(column('wa_data_end_lower')):(column('wa_data_end_upper')) with xerrorbars pointtype 0 linewidth 1.4 linecolor rgb '#222222', \
    data using (seen(of('be-256k', 'overwrite', 'wa_data_end_upper'), 0.0)):(at(-10.5)):(short(column('wa_data_end'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('be-256k', 'overwrite', 'wa_total_end')):(at(10.5)):(0.0):(column('wa_total_end')):(at(1.0)):(at(20.0)) with boxxyerror fillstyle solid border linecolor rgb '#cc79a7' fillcolor rgb '#f1d9e6', \
    data using (of('be-256k', 'overwrite', 'wa_total_end')):(at(10.5)):(column('wa_total_end_lower')):(column('wa_total_end_upper')) with xerrorbars pointtype 0 linewidth 1.4 linecolor rgb '#222222', \
    data using (seen(of('be-256k', 'overwrite', 'wa_total_end_upper'), 0.0)):(at(10.5)):(short(column('wa_total_end'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('be-1m', 'overwrite', 'wa_data_end')):(at(-10.5)):(0.0):(column('wa_data_end')):(at(-20.0)):(at(-1.0)) with boxxyerror fillstyle solid border linecolor rgb '#e69f00' fillcolor rgb '#e69f00', \
    data using (of('be-1m', 'overwrite', 'wa_data_end')):(at(-10.5)):(column('wa_data_end_lower')):(column('wa_data_end_upper')) with xerrorbars pointtype 0 linewidth 1.4 linecolor rgb '#222222', \
    data using (seen(of('be-1m', 'overwrite', 'wa_data_end_upper'), 0.0)):(at(-10.5)):(short(column('wa_data_end'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('be-1m', 'overwrite', 'wa_total_end')):(at(10.5)):(0.0):(column('wa_total_end')):(at(1.0)):(at(20.0)) with boxxyerror fillstyle solid border linecolor rgb '#e69f00' fillcolor rgb '#f8e4b8', \
    data using (of('be-1m', 'overwrite', 'wa_total_end')):(at(10.5)):(column('wa_total_end_lower')):(column('wa_total_end_upper')) with xerrorbars pointtype 0 linewidth 1.4 linecolor rgb '#222222', \
    data using (seen(of('be-1m', 'overwrite', 'wa_total_end_upper'), 0.0)):(at(10.5)):(short(column('wa_total_end'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('be-4m', 'overwrite', 'wa_data_end')):(at(-10.5)):(0.0):(column('wa_data_end')):(at(-20.0)):(at(-1.0)) with boxxyerror fillstyle solid border linecolor rgb '#56b4e9' fillcolor rgb '#56b4e9', \
    data using (of('be-4m', 'overwrite', 'wa_data_end')):(at(-10.5)):(column('wa_data_end_lower')):(column('wa_data_end_upper')) with xerrorbars pointtype 0 linewidth 1.4 linecolor rgb '#222222', \
    data using (seen(of('be-4m', 'overwrite', 'wa_data_end_upper'), 0.0)):(at(-10.5)):(short(column('wa_data_end'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('be-4m', 'overwrite', 'wa_total_end')):(at(10.5)):(0.0):(column('wa_total_end')):(at(1.0)):(at(20.0)) with boxxyerror fillstyle solid border linecolor rgb '#56b4e9' fillcolor rgb '#d0eaf9', \
    data using (of('be-4m', 'overwrite', 'wa_total_end')):(at(10.5)):(column('wa_total_end_lower')):(column('wa_total_end_upper')) with xerrorbars pointtype 0 linewidth 1.4 linecolor rgb '#222222', \
    data using (seen(of('be-4m', 'overwrite', 'wa_total_end_upper'), 0.0)):(at(10.5)):(short(column('wa_total_end'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('btree-log', 'overwrite', 'wa_data_end')):(at(-10.5)):(0.0):(column('wa_data_end')):(at(-20.0)):(at(-1.0)) with boxxyerror fillstyle solid border linecolor rgb '#d55e00' fillcolor rgb '#d55e00', \
    data using (of('btree-log', 'overwrite', 'wa_data_end')):(at(-10.5)):(column('wa_data_end_lower')):(column('wa_data_end_upper')) with xerrorbars pointtype 0 linewidth 1.4 linecolor rgb '#222222', \
    data using (seen(of('btree-log', 'overwrite', 'wa_data_end_upper'), 0.0)):(at(-10.5)):(short(column('wa_data_end'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('btree-log', 'overwrite', 'wa_total_end')):(at(10.5)):(0.0):(column('wa_total_end')):(at(1.0)):(at(20.0)) with boxxyerror fillstyle solid border linecolor rgb '#d55e00' fillcolor rgb '#f3d2b8', \
    data using (of('btree-log', 'overwrite', 'wa_total_end')):(at(10.5)):(column('wa_total_end_lower')):(column('wa_total_end_upper')) with xerrorbars pointtype 0 linewidth 1.4 linecolor rgb '#222222', \
    data using (seen(of('btree-log', 'overwrite', 'wa_total_end_upper'), 0.0)):(at(10.5)):(short(column('wa_total_end'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('sqlite', 'overwrite', 'wa_data_end')):(at(-10.5)):(0.0):(column('wa_data_end')):(at(-20.0)):(at(-1.0)) with boxxyerror fillstyle solid border linecolor rgb '#0072b2' fillcolor rgb '#0072b2', \
    data using (of('sqlite', 'overwrite', 'wa_data_end')):(at(-10.5)):(column('wa_data_end_lower')):(column('wa_data_end_upper')) with xerrorbars pointtype 0 linewidth 1.4 linecolor rgb '#222222', \
    data using (seen(of('sqlite', 'overwrite', 'wa_data_end_upper'), 0.0)):(at(-10.5)):(short(column('wa_data_end'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('sqlite', 'overwrite', 'wa_total_end')):(at(10.5)):(0.0):(column('wa_total_end')):(at(1.0)):(at(20.0)) with boxxyerror fillstyle solid border linecolor rgb '#0072b2' fillcolor rgb '#b8d8e9', \
    data using (of('sqlite', 'overwrite', 'wa_total_end')):(at(10.5)):(column('wa_total_end_lower')):(column('wa_total_end_upper')) with xerrorbars pointtype 0 linewidth 1.4 linecolor rgb '#222222', \
    data using (seen(of('sqlite', 'overwrite', 'wa_total_end_upper'), 0.0)):(at(10.5)):(short(column('wa_total_end'))) with labels left offset char 0.4,0 noenhanced font ',15'
  unset label
  unset object
  unset multiplot
  unset output
}
