# Recovery after a power cut: after_200, after_800, after_3200
# Draw again with: gnuplot recovery_cost_after_200_after_800_after_3200.gnuplot
# Reads recovery_cost_after_200_after_800_after_3200.csv, writes recovery_cost_after_200_after_800_after_3200.svg and recovery_cost_after_200_after_800_after_3200.png.

data = 'recovery_cost_after_200_after_800_after_3200.csv'
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
set yrange [1390:0]
set grid xtics noytics
set key off
of(s, p, m) = stringcolumn('series') eq s && stringcolumn('phase') eq p ? column(m) : NaN
at(d) = column('position') + d
# A logarithmic axis has no place for 0: its label stands where the axis begins.
seen(v, low) = v < low ? low : v

do for [kind in 'svg png'] {
  if (kind eq 'svg') {
    set terminal svg size 1000,1572 fixed font 'sans-serif,17' background rgb 'white'
  } else {
    set terminal pngcairo size 1000,1572 font 'sans-serif,17' fontscale 0.75 background rgb 'white'
  }
  set output 'recovery_cost_after_200_after_800_after_3200.'.kind
  unset label
  unset object
  set label 1 'Recovery after a power cut: after_200, after_800, after_3200' at screen 0.016, screen 0.9835 left noenhanced font ',22'
  set label 2 '10,000 records · batch 20 · durability each_commit, every_16_commits · memory 16 MiB · seed 5103132997656651' at screen 0.016, screen 0.9656 left noenhanced font ',15' textcolor rgb '#555555'
  set label 3 'memory device' at screen 0.016, screen 0.9523 left noenhanced font ',15' textcolor rgb '#555555'
  set multiplot
  set lmargin at screen 0.3190
  set rmargin at screen 0.6160
  set tmargin at screen 0.9326
  set bmargin at screen 0.0483
  set logscale x 10
  set xrange [10000.0:344393314.2966071]
  set xtics ('10 k' 10000.0, '100 k' 100000.0, '1 M' 1000000.0, '10 M' 10000000.0, '100 M' 100000000.0)
  set xlabel 'bytes read while opening, log scale' noenhanced
  set ytics ('append-log sync every 1' 52, 'append-log sync every 16' 88, 'sorted-file sync every 1' 124, 'sorted-file sync every 16' 160, 'sqlite-wal sync every 1' 196, 'sqlite-wal sync every 16' 232, 'sqlite-rollback sync every 1' 268, 'sqlite-rollback sync every 16' 304, 'btree-path-copy sync every 1' 340, 'btree-path-copy sync every 16' 376, 'btree-log sync every 1' 412, 'btree-log sync every 16' 448, 'append-log sync every 1' 514, 'append-log sync every 16' 550, 'sorted-file sync every 1' 586, 'sorted-file sync every 16' 622, 'sqlite-wal sync every 1' 658, 'sqlite-wal sync every 16' 694, 'sqlite-rollback sync every 1' 730, 'sqlite-rollback sync every 16' 766, 'btree-path-copy sync every 1' 802, 'btree-path-copy sync every 16' 838, 'btree-log sync every 1' 874, 'btree-log sync every 16' 910, 'append-log sync every 1' 976, 'append-log sync every 16' 1012, 'sorted-file sync every 1' 1048, 'sorted-file sync every 16' 1084, 'sqlite-wal sync every 1' 1120, 'sqlite-wal sync every 16' 1156, 'sqlite-rollback sync every 1' 1192, 'sqlite-rollback sync every 16' 1228, 'btree-path-copy sync every 1' 1264, 'btree-path-copy sync every 16' 1300, 'btree-log sync every 1' 1336, 'btree-log sync every 16' 1372) scale 0
  set label 'phase after_200' at graph 0, first 19 left offset char 0.5,0 noenhanced font ',15' textcolor rgb '#555555'
  set label 'phase after_800' at graph 0, first 481 left offset char 0.5,0 noenhanced font ',15' textcolor rgb '#555555'
  set label 'phase after_3200' at graph 0, first 943 left offset char 0.5,0 noenhanced font ',15' textcolor rgb '#555555'
  plot \
    data using (of('append-log sync_every_commits=1', 'after_200', 'recovery_read_bytes')):(at(0.0)):(10000.0):(column('recovery_read_bytes')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#009e73' fillcolor rgb '#009e73', \
    data using (seen(of('append-log sync_every_commits=1', 'after_200', 'recovery_read_bytes_upper'), 10000.0)):(at(0.0)):(short(column('recovery_read_bytes'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('append-log sync_every_commits=16', 'after_200', 'recovery_read_bytes')):(at(0.0)):(10000.0):(column('recovery_read_bytes')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#a6ddce' fillcolor rgb '#a6ddce', \
    data using (seen(of('append-log sync_every_commits=16', 'after_200', 'recovery_read_bytes_upper'), 10000.0)):(at(0.0)):(short(column('recovery_read_bytes'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('sorted-file sync_every_commits=1', 'after_200', 'recovery_read_bytes')):(at(0.0)):(10000.0):(column('recovery_read_bytes')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#cc79a7' fillcolor rgb '#cc79a7', \
    data using (seen(of('sorted-file sync_every_commits=1', 'after_200', 'recovery_read_bytes_upper'), 10000.0)):(at(0.0)):(short(column('recovery_read_bytes'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('sorted-file sync_every_commits=16', 'after_200', 'recovery_read_bytes')):(at(0.0)):(10000.0):(column('recovery_read_bytes')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#edd0e0' fillcolor rgb '#edd0e0', \
    data using (seen(of('sorted-file sync_every_commits=16', 'after_200', 'recovery_read_bytes_upper'), 10000.0)):(at(0.0)):(short(column('recovery_read_bytes'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('sqlite-wal sync_every_commits=1', 'after_200', 'recovery_read_bytes')):(at(0.0)):(10000.0):(column('recovery_read_bytes')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#0072b2' fillcolor rgb '#0072b2', \
    data using (seen(of('sqlite-wal sync_every_commits=1', 'after_200', 'recovery_read_bytes_upper'), 10000.0)):(at(0.0)):(short(column('recovery_read_bytes'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('sqlite-wal sync_every_commits=16', 'after_200', 'recovery_read_bytes')):(at(0.0)):(10000.0):(column('recovery_read_bytes')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#a6cee4' fillcolor rgb '#a6cee4', \
    data using (seen(of('sqlite-wal sync_every_commits=16', 'after_200', 'recovery_read_bytes_upper'), 10000.0)):(at(0.0)):(short(column('recovery_read_bytes'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('sqlite-rollback sync_every_commits=1', 'after_200', 'recovery_read_bytes')):(at(0.0)):(10000.0):(column('recovery_read_bytes')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#56b4e9' fillcolor rgb '#56b4e9', \
    data using (seen(of('sqlite-rollback sync_every_commits=1', 'after_200', 'recovery_read_bytes_upper'), 10000.0)):(at(0.0)):(short(column('recovery_read_bytes'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('sqlite-rollback sync_every_commits=16', 'after_200', 'recovery_read_bytes')):(at(0.0)):(10000.0):(column('recovery_read_bytes')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#c4e5f7' fillcolor rgb '#c4e5f7', \
    data using (seen(of('sqlite-rollback sync_every_commits=16', 'after_200', 'recovery_read_bytes_upper'), 10000.0)):(at(0.0)):(short(column('recovery_read_bytes'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('btree-path-copy sync_every_commits=1', 'after_200', 'recovery_read_bytes')):(at(0.0)):(10000.0):(column('recovery_read_bytes')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#753400' fillcolor rgb '#753400', \
    data using (seen(of('btree-path-copy sync_every_commits=1', 'after_200', 'recovery_read_bytes_upper'), 10000.0)):(at(0.0)):(short(column('recovery_read_bytes'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('btree-path-copy sync_every_commits=16', 'after_200', 'recovery_read_bytes')):(at(0.0)):(10000.0):(column('recovery_read_bytes')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#cfb8a6' fillcolor rgb '#cfb8a6', \
    data using (seen(of('btree-path-copy sync_every_commits=16', 'after_200', 'recovery_read_bytes_upper'), 10000.0)):(at(0.0)):(short(column('recovery_read_bytes'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('btree-log sync_every_commits=1', 'after_200', 'recovery_read_bytes')):(at(0.0)):(10000.0):(column('recovery_read_bytes')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#d55e00' fillcolor rgb '#d55e00', \
    data using (seen(of('btree-log sync_every_commits=1', 'after_200', 'recovery_read_bytes_upper'), 10000.0)):(at(0.0)):(short(column('recovery_read_bytes'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('btree-log sync_every_commits=16', 'after_200', 'recovery_read_bytes')):(at(0.0)):(10000.0):(column('recovery_read_bytes')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#f0c7a6' fillcolor rgb '#f0c7a6', \
    data using (seen(of('btree-log sync_every_commits=16', 'after_200', 'recovery_read_bytes_upper'), 10000.0)):(at(0.0)):(short(column('recovery_read_bytes'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('append-log sync_every_commits=1', 'after_800', 'recovery_read_bytes')):(at(0.0)):(10000.0):(column('recovery_read_bytes')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#009e73' fillcolor rgb '#009e73', \
    data using (seen(of('append-log sync_every_commits=1', 'after_800', 'recovery_read_bytes_upper'), 10000.0)):(at(0.0)):(short(column('recovery_read_bytes'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('append-log sync_every_commits=16', 'after_800', 'recovery_read_bytes')):(at(0.0)):(10000.0):(column('recovery_read_bytes')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#a6ddce' fillcolor rgb '#a6ddce', \
    data using (seen(of('append-log sync_every_commits=16', 'after_800', 'recovery_read_bytes_upper'), 10000.0)):(at(0.0)):(short(column('recovery_read_bytes'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('sorted-file sync_every_commits=1', 'after_800', 'recovery_read_bytes')):(at(0.0)):(10000.0):(column('recovery_read_bytes')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#cc79a7' fillcolor rgb '#cc79a7', \
    data using (seen(of('sorted-file sync_every_commits=1', 'after_800', 'recovery_read_bytes_upper'), 10000.0)):(at(0.0)):(short(column('recovery_read_bytes'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('sorted-file sync_every_commits=16', 'after_800', 'recovery_read_bytes')):(at(0.0)):(10000.0):(column('recovery_read_bytes')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#edd0e0' fillcolor rgb '#edd0e0', \
    data using (seen(of('sorted-file sync_every_commits=16', 'after_800', 'recovery_read_bytes_upper'), 10000.0)):(at(0.0)):(short(column('recovery_read_bytes'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('sqlite-wal sync_every_commits=1', 'after_800', 'recovery_read_bytes')):(at(0.0)):(10000.0):(column('recovery_read_bytes')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#0072b2' fillcolor rgb '#0072b2', \
    data using (seen(of('sqlite-wal sync_every_commits=1', 'after_800', 'recovery_read_bytes_upper'), 10000.0)):(at(0.0)):(short(column('recovery_read_bytes'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('sqlite-wal sync_every_commits=16', 'after_800', 'recovery_read_bytes')):(at(0.0)):(10000.0):(column('recovery_read_bytes')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#a6cee4' fillcolor rgb '#a6cee4', \
    data using (seen(of('sqlite-wal sync_every_commits=16', 'after_800', 'recovery_read_bytes_upper'), 10000.0)):(at(0.0)):(short(column('recovery_read_bytes'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('sqlite-rollback sync_every_commits=1', 'after_800', 'recovery_read_bytes')):(at(0.0)):(10000.0):(column('recovery_read_bytes')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#56b4e9' fillcolor rgb '#56b4e9', \
    data using (seen(of('sqlite-rollback sync_every_commits=1', 'after_800', 'recovery_read_bytes_upper'), 10000.0)):(at(0.0)):(short(column('recovery_read_bytes'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('sqlite-rollback sync_every_commits=16', 'after_800', 'recovery_read_bytes')):(at(0.0)):(10000.0):(column('recovery_read_bytes')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#c4e5f7' fillcolor rgb '#c4e5f7', \
    data using (seen(of('sqlite-rollback sync_every_commits=16', 'after_800', 'recovery_read_bytes_upper'), 10000.0)):(at(0.0)):(short(column('recovery_read_bytes'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('btree-path-copy sync_every_commits=1', 'after_800', 'recovery_read_bytes')):(at(0.0)):(10000.0):(column('recovery_read_bytes')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#753400' fillcolor rgb '#753400', \
    data using (seen(of('btree-path-copy sync_every_commits=1', 'after_800', 'recovery_read_bytes_upper'), 10000.0)):(at(0.0)):(short(column('recovery_read_bytes'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('btree-path-copy sync_every_commits=16', 'after_800', 'recovery_read_bytes')):(at(0.0)):(10000.0):(column('recovery_read_bytes')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#cfb8a6' fillcolor rgb '#cfb8a6', \
    data using (seen(of('btree-path-copy sync_every_commits=16', 'after_800', 'recovery_read_bytes_upper'), 10000.0)):(at(0.0)):(short(column('recovery_read_bytes'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('btree-log sync_every_commits=1', 'after_800', 'recovery_read_bytes')):(at(0.0)):(10000.0):(column('recovery_read_bytes')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#d55e00' fillcolor rgb '#d55e00', \
    data using (seen(of('btree-log sync_every_commits=1', 'after_800', 'recovery_read_bytes_upper'), 10000.0)):(at(0.0)):(short(column('recovery_read_bytes'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('btree-log sync_every_commits=16', 'after_800', 'recovery_read_bytes')):(at(0.0)):(10000.0):(column('recovery_read_bytes')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#f0c7a6' fillcolor rgb '#f0c7a6', \
    data using (seen(of('btree-log sync_every_commits=16', 'after_800', 'recovery_read_bytes_upper'), 10000.0)):(at(0.0)):(short(column('recovery_read_bytes'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('append-log sync_every_commits=1', 'after_3200', 'recovery_read_bytes')):(at(0.0)):(10000.0):(column('recovery_read_bytes')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#009e73' fillcolor rgb '#009e73', \
    data using (seen(of('append-log sync_every_commits=1', 'after_3200', 'recovery_read_bytes_upper'), 10000.0)):(at(0.0)):(short(column('recovery_read_bytes'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('append-log sync_every_commits=16', 'after_3200', 'recovery_read_bytes')):(at(0.0)):(10000.0):(column('recovery_read_bytes')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#a6ddce' fillcolor rgb '#a6ddce', \
    data using (seen(of('append-log sync_every_commits=16', 'after_3200', 'recovery_read_bytes_upper'), 10000.0)):(at(0.0)):(short(column('recovery_read_bytes'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('sorted-file sync_every_commits=1', 'after_3200', 'recovery_read_bytes')):(at(0.0)):(10000.0):(column('recovery_read_bytes')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#cc79a7' fillcolor rgb '#cc79a7', \
    data using (seen(of('sorted-file sync_every_commits=1', 'after_3200', 'recovery_read_bytes_upper'), 10000.0)):(at(0.0)):(short(column('recovery_read_bytes'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('sorted-file sync_every_commits=16', 'after_3200', 'recovery_read_bytes')):(at(0.0)):(10000.0):(column('recovery_read_bytes')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#edd0e0' fillcolor rgb '#edd0e0', \
    data using (seen(of('sorted-file sync_every_commits=16', 'after_3200', 'recovery_read_bytes_upper'), 10000.0)):(at(0.0)):(short(column('recovery_read_bytes'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('sqlite-wal sync_every_commits=1', 'after_3200', 'recovery_read_bytes')):(at(0.0)):(10000.0):(column('recovery_read_bytes')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#0072b2' fillcolor rgb '#0072b2', \
    data using (seen(of('sqlite-wal sync_every_commits=1', 'after_3200', 'recovery_read_bytes_upper'), 10000.0)):(at(0.0)):(short(column('recovery_read_bytes'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('sqlite-wal sync_every_commits=16', 'after_3200', 'recovery_read_bytes')):(at(0.0)):(10000.0):(column('recovery_read_bytes')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#a6cee4' fillcolor rgb '#a6cee4', \
    data using (seen(of('sqlite-wal sync_every_commits=16', 'after_3200', 'recovery_read_bytes_upper'), 10000.0)):(at(0.0)):(short(column('recovery_read_bytes'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('sqlite-rollback sync_every_commits=1', 'after_3200', 'recovery_read_bytes')):(at(0.0)):(10000.0):(column('recovery_read_bytes')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#56b4e9' fillcolor rgb '#56b4e9', \
    data using (seen(of('sqlite-rollback sync_every_commits=1', 'after_3200', 'recovery_read_bytes_upper'), 10000.0)):(at(0.0)):(short(column('recovery_read_bytes'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('sqlite-rollback sync_every_commits=16', 'after_3200', 'recovery_read_bytes')):(at(0.0)):(10000.0):(column('recovery_read_bytes')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#c4e5f7' fillcolor rgb '#c4e5f7', \
    data using (seen(of('sqlite-rollback sync_every_commits=16', 'after_3200', 'recovery_read_bytes_upper'), 10000.0)):(at(0.0)):(short(column('recovery_read_bytes'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('btree-path-copy sync_every_commits=1', 'after_3200', 'recovery_read_bytes')):(at(0.0)):(10000.0):(column('recovery_read_bytes')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#753400' fillcolor rgb '#753400', \
    data using (seen(of('btree-path-copy sync_every_commits=1', 'after_3200', 'recovery_read_bytes_upper'), 10000.0)):(at(0.0)):(short(column('recovery_read_bytes'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('btree-path-copy sync_every_commits=16', 'after_3200', 'recovery_read_bytes')):(at(0.0)):(10000.0):(column('recovery_read_bytes')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#cfb8a6' fillcolor rgb '#cfb8a6', \
    data using (seen(of('btree-path-copy sync_every_commits=16', 'after_3200', 'recovery_read_bytes_upper'), 10000.0)):(at(0.0)):(short(column('recovery_read_bytes'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('btree-log sync_every_commits=1', 'after_3200', 'recovery_read_bytes')):(at(0.0)):(10000.0):(column('recovery_read_bytes')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#d55e00' fillcolor rgb '#d55e00', \
    data using (seen(of('btree-log sync_every_commits=1', 'after_3200', 'recovery_read_bytes_upper'), 10000.0)):(at(0.0)):(short(column('recovery_read_bytes'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('btree-log sync_every_commits=16', 'after_3200', 'recovery_read_bytes')):(at(0.0)):(10000.0):(column('recovery_read_bytes')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#f0c7a6' fillcolor rgb '#f0c7a6', \
    data using (seen(of('btree-log sync_every_commits=16', 'after_3200', 'recovery_read_bytes_upper'), 10000.0)):(at(0.0)):(short(column('recovery_read_bytes'))) with labels left offset char 0.4,0 noenhanced font ',15'
  unset label
  unset object
  set lmargin at screen 0.6620
  set rmargin at screen 0.9590
  set tmargin at screen 0.9326
  set bmargin at screen 0.0483
  unset logscale x
  set xrange [0.0:250.0]
  set xtics ('0' 0.0, '100' 100.0, '200' 200.0)
  set xlabel 'operations lost' noenhanced
  set ytics ('' 52, '' 88, '' 124, '' 160, '' 196, '' 232, '' 268, '' 304, '' 340, '' 376, '' 412, '' 448, '' 514, '' 550, '' 586, '' 622, '' 658, '' 694, '' 730, '' 766, '' 802, '' 838, '' 874, '' 910, '' 976, '' 1012, '' 1048, '' 1084, '' 1120, '' 1156, '' 1192, '' 1228, '' 1264, '' 1300, '' 1336, '' 1372) scale 0
  plot \
    data using (of('append-log sync_every_commits=1', 'after_200', 'recovery_lost_operations')):(at(0.0)):(0.0):(column('recovery_lost_operations')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#009e73' fillcolor rgb '#009e73', \
    data using (seen(of('append-log sync_every_commits=1', 'after_200', 'recovery_lost_operations_upper'), 0.0)):(at(0.0)):(short(column('recovery_lost_operations'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('append-log sync_every_commits=16', 'after_200', 'recovery_lost_operations')):(at(0.0)):(0.0):(column('recovery_lost_operations')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#a6ddce' fillcolor rgb '#a6ddce', \
    data using (seen(of('append-log sync_every_commits=16', 'after_200', 'recovery_lost_operations_upper'), 0.0)):(at(0.0)):(short(column('recovery_lost_operations'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('sorted-file sync_every_commits=1', 'after_200', 'recovery_lost_operations')):(at(0.0)):(0.0):(column('recovery_lost_operations')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#cc79a7' fillcolor rgb '#cc79a7', \
    data using (seen(of('sorted-file sync_every_commits=1', 'after_200', 'recovery_lost_operations_upper'), 0.0)):(at(0.0)):(short(column('recovery_lost_operations'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('sorted-file sync_every_commits=16', 'after_200', 'recovery_lost_operations')):(at(0.0)):(0.0):(column('recovery_lost_operations')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#edd0e0' fillcolor rgb '#edd0e0', \
    data using (seen(of('sorted-file sync_every_commits=16', 'after_200', 'recovery_lost_operations_upper'), 0.0)):(at(0.0)):(short(column('recovery_lost_operations'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('sqlite-wal sync_every_commits=1', 'after_200', 'recovery_lost_operations')):(at(0.0)):(0.0):(column('recovery_lost_operations')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#0072b2' fillcolor rgb '#0072b2', \
    data using (seen(of('sqlite-wal sync_every_commits=1', 'after_200', 'recovery_lost_operations_upper'), 0.0)):(at(0.0)):(short(column('recovery_lost_operations'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('sqlite-wal sync_every_commits=16', 'after_200', 'recovery_lost_operations')):(at(0.0)):(0.0):(column('recovery_lost_operations')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#a6cee4' fillcolor rgb '#a6cee4', \
    data using (seen(of('sqlite-wal sync_every_commits=16', 'after_200', 'recovery_lost_operations_upper'), 0.0)):(at(0.0)):(short(column('recovery_lost_operations'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('sqlite-rollback sync_every_commits=1', 'after_200', 'recovery_lost_operations')):(at(0.0)):(0.0):(column('recovery_lost_operations')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#56b4e9' fillcolor rgb '#56b4e9', \
    data using (seen(of('sqlite-rollback sync_every_commits=1', 'after_200', 'recovery_lost_operations_upper'), 0.0)):(at(0.0)):(short(column('recovery_lost_operations'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('sqlite-rollback sync_every_commits=16', 'after_200', 'recovery_lost_operations')):(at(0.0)):(0.0):(column('recovery_lost_operations')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#c4e5f7' fillcolor rgb '#c4e5f7', \
    data using (seen(of('sqlite-rollback sync_every_commits=16', 'after_200', 'recovery_lost_operations_upper'), 0.0)):(at(0.0)):(short(column('recovery_lost_operations'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('btree-path-copy sync_every_commits=1', 'after_200', 'recovery_lost_operations')):(at(0.0)):(0.0):(column('recovery_lost_operations')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#753400' fillcolor rgb '#753400', \
    data using (seen(of('btree-path-copy sync_every_commits=1', 'after_200', 'recovery_lost_operations_upper'), 0.0)):(at(0.0)):(short(column('recovery_lost_operations'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('btree-path-copy sync_every_commits=16', 'after_200', 'recovery_lost_operations')):(at(0.0)):(0.0):(column('recovery_lost_operations')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#cfb8a6' fillcolor rgb '#cfb8a6', \
    data using (seen(of('btree-path-copy sync_every_commits=16', 'after_200', 'recovery_lost_operations_upper'), 0.0)):(at(0.0)):(short(column('recovery_lost_operations'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('btree-log sync_every_commits=1', 'after_200', 'recovery_lost_operations')):(at(0.0)):(0.0):(column('recovery_lost_operations')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#d55e00' fillcolor rgb '#d55e00', \
    data using (seen(of('btree-log sync_every_commits=1', 'after_200', 'recovery_lost_operations_upper'), 0.0)):(at(0.0)):(short(column('recovery_lost_operations'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('btree-log sync_every_commits=16', 'after_200', 'recovery_lost_operations')):(at(0.0)):(0.0):(column('recovery_lost_operations')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#f0c7a6' fillcolor rgb '#f0c7a6', \
    data using (seen(of('btree-log sync_every_commits=16', 'after_200', 'recovery_lost_operations_upper'), 0.0)):(at(0.0)):(short(column('recovery_lost_operations'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('append-log sync_every_commits=1', 'after_800', 'recovery_lost_operations')):(at(0.0)):(0.0):(column('recovery_lost_operations')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#009e73' fillcolor rgb '#009e73', \
    data using (seen(of('append-log sync_every_commits=1', 'after_800', 'recovery_lost_operations_upper'), 0.0)):(at(0.0)):(short(column('recovery_lost_operations'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('append-log sync_every_commits=16', 'after_800', 'recovery_lost_operations')):(at(0.0)):(0.0):(column('recovery_lost_operations')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#a6ddce' fillcolor rgb '#a6ddce', \
    data using (seen(of('append-log sync_every_commits=16', 'after_800', 'recovery_lost_operations_upper'), 0.0)):(at(0.0)):(short(column('recovery_lost_operations'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('sorted-file sync_every_commits=1', 'after_800', 'recovery_lost_operations')):(at(0.0)):(0.0):(column('recovery_lost_operations')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#cc79a7' fillcolor rgb '#cc79a7', \
    data using (seen(of('sorted-file sync_every_commits=1', 'after_800', 'recovery_lost_operations_upper'), 0.0)):(at(0.0)):(short(column('recovery_lost_operations'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('sorted-file sync_every_commits=16', 'after_800', 'recovery_lost_operations')):(at(0.0)):(0.0):(column('recovery_lost_operations')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#edd0e0' fillcolor rgb '#edd0e0', \
    data using (seen(of('sorted-file sync_every_commits=16', 'after_800', 'recovery_lost_operations_upper'), 0.0)):(at(0.0)):(short(column('recovery_lost_operations'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('sqlite-wal sync_every_commits=1', 'after_800', 'recovery_lost_operations')):(at(0.0)):(0.0):(column('recovery_lost_operations')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#0072b2' fillcolor rgb '#0072b2', \
    data using (seen(of('sqlite-wal sync_every_commits=1', 'after_800', 'recovery_lost_operations_upper'), 0.0)):(at(0.0)):(short(column('recovery_lost_operations'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('sqlite-wal sync_every_commits=16', 'after_800', 'recovery_lost_operations')):(at(0.0)):(0.0):(column('recovery_lost_operations')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#a6cee4' fillcolor rgb '#a6cee4', \
    data using (seen(of('sqlite-wal sync_every_commits=16', 'after_800', 'recovery_lost_operations_upper'), 0.0)):(at(0.0)):(short(column('recovery_lost_operations'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('sqlite-rollback sync_every_commits=1', 'after_800', 'recovery_lost_operations')):(at(0.0)):(0.0):(column('recovery_lost_operations')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#56b4e9' fillcolor rgb '#56b4e9', \
    data using (seen(of('sqlite-rollback sync_every_commits=1', 'after_800', 'recovery_lost_operations_upper'), 0.0)):(at(0.0)):(short(column('recovery_lost_operations'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('sqlite-rollback sync_every_commits=16', 'after_800', 'recovery_lost_operations')):(at(0.0)):(0.0):(column('recovery_lost_operations')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#c4e5f7' fillcolor rgb '#c4e5f7', \
    data using (seen(of('sqlite-rollback sync_every_commits=16', 'after_800', 'recovery_lost_operations_upper'), 0.0)):(at(0.0)):(short(column('recovery_lost_operations'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('btree-path-copy sync_every_commits=1', 'after_800', 'recovery_lost_operations')):(at(0.0)):(0.0):(column('recovery_lost_operations')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#753400' fillcolor rgb '#753400', \
    data using (seen(of('btree-path-copy sync_every_commits=1', 'after_800', 'recovery_lost_operations_upper'), 0.0)):(at(0.0)):(short(column('recovery_lost_operations'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('btree-path-copy sync_every_commits=16', 'after_800', 'recovery_lost_operations')):(at(0.0)):(0.0):(column('recovery_lost_operations')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#cfb8a6' fillcolor rgb '#cfb8a6', \
    data using (seen(of('btree-path-copy sync_every_commits=16', 'after_800', 'recovery_lost_operations_upper'), 0.0)):(at(0.0)):(short(column('recovery_lost_operations'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('btree-log sync_every_commits=1', 'after_800', 'recovery_lost_operations')):(at(0.0)):(0.0):(column('recovery_lost_operations')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#d55e00' fillcolor rgb '#d55e00', \
    data using (seen(of('btree-log sync_every_commits=1', 'after_800', 'recovery_lost_operations_upper'), 0.0)):(at(0.0)):(short(column('recovery_lost_operations'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('btree-log sync_every_commits=16', 'after_800', 'recovery_lost_operations')):(at(0.0)):(0.0):(column('recovery_lost_operations')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#f0c7a6' fillcolor rgb '#f0c7a6', \
    data using (seen(of('btree-log sync_every_commits=16', 'after_800', 'recovery_lost_operations_upper'), 0.0)):(at(0.0)):(short(column('recovery_lost_operations'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('append-log sync_every_commits=1', 'after_3200', 'recovery_lost_operations')):(at(0.0)):(0.0):(column('recovery_lost_operations')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#009e73' fillcolor rgb '#009e73', \
    data using (seen(of('append-log sync_every_commits=1', 'after_3200', 'recovery_lost_operations_upper'), 0.0)):(at(0.0)):(short(column('recovery_lost_operations'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('append-log sync_every_commits=16', 'after_3200', 'recovery_lost_operations')):(at(0.0)):(0.0):(column('recovery_lost_operations')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#a6ddce' fillcolor rgb '#a6ddce', \
    data using (seen(of('append-log sync_every_commits=16', 'after_3200', 'recovery_lost_operations_upper'), 0.0)):(at(0.0)):(short(column('recovery_lost_operations'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('sorted-file sync_every_commits=1', 'after_3200', 'recovery_lost_operations')):(at(0.0)):(0.0):(column('recovery_lost_operations')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#cc79a7' fillcolor rgb '#cc79a7', \
    data using (seen(of('sorted-file sync_every_commits=1', 'after_3200', 'recovery_lost_operations_upper'), 0.0)):(at(0.0)):(short(column('recovery_lost_operations'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('sorted-file sync_every_commits=16', 'after_3200', 'recovery_lost_operations')):(at(0.0)):(0.0):(column('recovery_lost_operations')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#edd0e0' fillcolor rgb '#edd0e0', \
    data using (seen(of('sorted-file sync_every_commits=16', 'after_3200', 'recovery_lost_operations_upper'), 0.0)):(at(0.0)):(short(column('recovery_lost_operations'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('sqlite-wal sync_every_commits=1', 'after_3200', 'recovery_lost_operations')):(at(0.0)):(0.0):(column('recovery_lost_operations')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#0072b2' fillcolor rgb '#0072b2', \
    data using (seen(of('sqlite-wal sync_every_commits=1', 'after_3200', 'recovery_lost_operations_upper'), 0.0)):(at(0.0)):(short(column('recovery_lost_operations'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('sqlite-wal sync_every_commits=16', 'after_3200', 'recovery_lost_operations')):(at(0.0)):(0.0):(column('recovery_lost_operations')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#a6cee4' fillcolor rgb '#a6cee4', \
    data using (seen(of('sqlite-wal sync_every_commits=16', 'after_3200', 'recovery_lost_operations_upper'), 0.0)):(at(0.0)):(short(column('recovery_lost_operations'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('sqlite-rollback sync_every_commits=1', 'after_3200', 'recovery_lost_operations')):(at(0.0)):(0.0):(column('recovery_lost_operations')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#56b4e9' fillcolor rgb '#56b4e9', \
    data using (seen(of('sqlite-rollback sync_every_commits=1', 'after_3200', 'recovery_lost_operations_upper'), 0.0)):(at(0.0)):(short(column('recovery_lost_operations'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('sqlite-rollback sync_every_commits=16', 'after_3200', 'recovery_lost_operations')):(at(0.0)):(0.0):(column('recovery_lost_operations')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#c4e5f7' fillcolor rgb '#c4e5f7', \
    data using (seen(of('sqlite-rollback sync_every_commits=16', 'after_3200', 'recovery_lost_operations_upper'), 0.0)):(at(0.0)):(short(column('recovery_lost_operations'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('btree-path-copy sync_every_commits=1', 'after_3200', 'recovery_lost_operations')):(at(0.0)):(0.0):(column('recovery_lost_operations')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#753400' fillcolor rgb '#753400', \
    data using (seen(of('btree-path-copy sync_every_commits=1', 'after_3200', 'recovery_lost_operations_upper'), 0.0)):(at(0.0)):(short(column('recovery_lost_operations'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('btree-path-copy sync_every_commits=16', 'after_3200', 'recovery_lost_operations')):(at(0.0)):(0.0):(column('recovery_lost_operations')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#cfb8a6' fillcolor rgb '#cfb8a6', \
    data using (seen(of('btree-path-copy sync_every_commits=16', 'after_3200', 'recovery_lost_operations_upper'), 0.0)):(at(0.0)):(short(column('recovery_lost_operations'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('btree-log sync_every_commits=1', 'after_3200', 'recovery_lost_operations')):(at(0.0)):(0.0):(column('recovery_lost_operations')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#d55e00' fillcolor rgb '#d55e00', \
    data using (seen(of('btree-log sync_every_commits=1', 'after_3200', 'recovery_lost_operations_upper'), 0.0)):(at(0.0)):(short(column('recovery_lost_operations'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('btree-log sync_every_commits=16', 'after_3200', 'recovery_lost_operations')):(at(0.0)):(0.0):(column('recovery_lost_operations')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#f0c7a6' fillcolor rgb '#f0c7a6', \
    data using (seen(of('btree-log sync_every_commits=16', 'after_3200', 'recovery_lost_operations_upper'), 0.0)):(at(0.0)):(short(column('recovery_lost_operations'))) with labels left offset char 0.4,0 noenhanced font ',15'
  unset label
  unset object
  unset multiplot
  unset output
}
